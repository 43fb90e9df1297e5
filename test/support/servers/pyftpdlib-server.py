# pyftpdlib on one address and folder with one login: HOST PORT ROOT USER PASSWORD.

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

host, port, root, user, password = sys.argv[1:]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, root, perm="elradfmwMT")


class Handler(FTPHandler):
    # File names that are not UTF-8 pass octet for octet, as the other servers do it.
    unicode_errors = "surrogateescape"


Handler.authorizer = authorizer
FTPServer((host, int(port)), Handler).serve_forever()

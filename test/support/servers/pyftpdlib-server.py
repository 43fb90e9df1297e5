# pyftpdlib on one address and folder with one login: HOST PORT ROOT USER PASSWORD.

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

host, port, root, user, password = sys.argv[1:]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, root, perm="elradfmwMT")


class Handler(FTPHandler):
    # File names that are not UTF-8 pass octet for octet, as the other servers do it.
    unicode_errors = "surrogateescape"


Handler.authorizer = authorizer
# One thread and one loop per session: with one loop for several busy sessions, pyftpdlib 1.5.7 at times never noticed
# that an active connect had succeeded, and answered 421 after 30 s.
ThreadedFTPServer((host, int(port)), Handler).serve_forever()

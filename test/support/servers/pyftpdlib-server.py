# pyftpdlib on one address and folder with one login: HOST PORT ROOT USER PASSWORD [CERTIFICATE AND KEY].
# With a certificate, logins and data are under TLS only.

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler

try:
    from pyftpdlib.handlers import TLS_FTPHandler
except ImportError:
    TLS_FTPHandler = None
from pyftpdlib.servers import ThreadedFTPServer

host, port, root, user, password, *secure = sys.argv[1:]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, root, perm="elradfmwMT")


class Handler(TLS_FTPHandler if secure else FTPHandler):
    # File names that are not UTF-8 pass octet for octet, as the other servers do it.
    unicode_errors = "surrogateescape"


Handler.authorizer = authorizer
if secure:
    Handler.certfile = secure[0]
    Handler.tls_control_required = Handler.tls_data_required = True
# One thread and one loop per session: with one loop for several busy sessions, pyftpdlib 1.5.7 at times never noticed
# that an active connect had succeeded, and answered 421 after 30 s.
ThreadedFTPServer((host, int(port)), Handler).serve_forever()

# One operation by ftplib, all commands and replies printed: HOST PORT USER PASSWORD MODE OPERATION WORDS...
# The words are percent-encoded octets, so that file names of any encoding pass through an argument list.

import ftplib
import os
import signal
import socket
import ssl
import struct
import sys
import urllib.parse

host, port, user, password, mode, operation, *words = sys.argv[1:]
words = [urllib.parse.unquote(word, encoding="latin-1") for word in words]


ca = os.environ.get("TLS_CA")


def tls_context():
    context = ssl.create_default_context(cafile=ca)
    # The host is an address of the loopback network, and the certificate names none.
    context.check_hostname = False
    if os.environ["TLS_VERSION"] == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class Client(ftplib.FTP_TLS if ca else ftplib.FTP):
    """On IPv4 ftplib itself knows only PORT and PASV; these two methods ask for the extended ones."""

    def makepasv(self):
        if mode == "extended":
            return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())
        return super().makepasv()

    def sendport(self, host, port):
        if mode == "extended-active":
            return self.sendeprt(host, port)
        return super().sendport(host, port)


def download(client, remote, local):
    with open(local, "wb") as file:
        client.retrbinary("RETR " + remote, file.write)


def upload(client, local, remote):
    with open(local, "rb") as file:
        client.storbinary("STOR " + remote, file)


def resume(client, remote, local):
    with open(local, "ab") as file:
        client.retrbinary("RETR " + remote, file.write, rest=os.path.getsize(local))


def finish(client, tail, remote, offset):
    # REST and STOR, where the other clients of the tests append.
    client.voidcmd("TYPE I")
    with open(tail, "rb") as file:
        client.storbinary("STOR " + remote, file, rest=int(offset))


def many(client, remote, local, count):
    for number in range(int(count)):
        name = "f%03d" % number
        download(client, remote + "/" + name, os.path.join(local, name))


def abort(client, remote, how):
    """Reads the beginning of a file, aborts, and proves that the session still works."""
    client.voidcmd("TYPE I")
    connection = client.transfercmd("RETR " + remote)
    print("*first*", len(connection.recv(1000)), "octets")
    # As FTP.abort() sends it: the LF is the urgent octet, so a receiver that takes urgent data apart loses it.
    client.sock.sendall(b"ABOR\r\n", socket.MSG_OOB if how == "urgent" else 0)
    connection.close()
    # Not sooner: what Pure-FTPd reads together with ABOR during a transfer it throws away, with or without a gateway.
    reply = client.getmultiline()
    print("*after abort*", reply)
    # RFC 959 has 426 for the transfer and then 226 for ABOR; some servers send one reply only. NOOP tells how many it
    # were.
    client.putcmd("NOOP")
    while reply[:3] != "200":
        reply = client.getmultiline()
        print("*after abort*", reply)
    print("*size*", client.size(remote))
    client.dir(os.path.dirname(remote))


def pause(client, remote, local):
    """Downloads, and stops this process (SIGSTOP) after the first octets; whoever watches lets it go on."""
    client.voidcmd("TYPE I")
    connection = client.transfercmd("RETR " + remote)
    with open(local, "wb") as file:
        file.write(connection.recv(1000))
        print("*first*")
        os.kill(os.getpid(), signal.SIGSTOP)
        while octets := connection.recv(65536):
            file.write(octets)
    connection.close()
    client.voidresp()


def reset(client, local, remote):
    """Uploads a file, but ends the data connection by a reset, not a clean end; prints what the server says to it."""
    client.voidcmd("TYPE I")
    connection = client.transfercmd("STOR " + remote)
    with open(local, "rb") as file:
        connection.sendall(file.read())
    # Only what has left our buffer can have arrived when the reset throws away the rest.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    print("*reply*", client.getmultiline())


def hurry(client, local, remote, count):
    """Uploads a file and closes both connections at once, without QUIT or the reply; so often, each anew."""
    for number in range(int(count)):
        if number > 0:
            client.connect(host, int(port))
            client.login(user, password)
        client.voidcmd("TYPE I")
        connection = client.transfercmd("STOR " + remote + str(number))
        with open(local, "rb") as file:
            connection.sendall(file.read())
        connection.close()
        client.close()
    sys.exit(0)


def endless(client, remote):
    """Uploads without an end; whoever watches ends this process."""
    client.voidcmd("TYPE I")
    connection = client.transfercmd("STOR " + remote)
    print("*first*", connection.send(bytes(65536)), "octets")
    while True:
        connection.sendall(bytes(65536))


# As long as a step of a test may wait (watch.ts).
client = Client(timeout=120, context=tls_context()) if ca else Client(timeout=120)
client.set_debuglevel(1)
client.encoding = "latin-1"
client.connect(host, int(port))
client.login(user, password)
if ca:
    client.prot_p()
if os.environ.get("TLS_CCC"):
    client.ccc()
client.set_pasv(mode in ("passive", "extended"))
known = (download, upload, resume, finish, many, abort, pause, reset, hurry, endless)
operations = {operation.__name__: operation for operation in known}
operations["list"] = ftplib.FTP.dir
operations[operation](client, *words)
client.quit()

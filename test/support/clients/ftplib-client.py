# One operation by ftplib, all commands and replies printed: HOST PORT USER PASSWORD MODE OPERATION WORDS...

import ftplib
import os
import sys

host, port, user, password, mode, operation, *words = sys.argv[1:]


class Client(ftplib.FTP):
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


def abort(client, remote):
    """Reads the beginning of a file, aborts, and proves that the session still works."""
    client.voidcmd("TYPE I")
    connection = client.transfercmd("RETR " + remote)
    print("*first*", len(connection.recv(1000)), "octets")
    print("*abor*", client.abort())
    connection.close()
    # Some servers answer both the transfer and ABOR; the second reply may still come.
    client.sock.settimeout(1)
    try:
        print("*late*", client.getmultiline())
    except TimeoutError:
        pass
    client.sock.settimeout(20)
    print("*size*", client.size(remote))
    client.dir(os.path.dirname(remote))


client = Client(timeout=20)
client.set_debuglevel(1)
client.encoding = "latin-1"
client.connect(host, int(port))
client.login(user, password)
client.set_pasv(mode in ("passive", "extended"))
operations = {"download": download, "upload": upload, "resume": resume, "finish": finish, "many": many, "abort": abort}
operations["list"] = ftplib.FTP.dir
operations[operation](client, *words)
client.quit()

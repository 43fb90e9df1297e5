// The sample server's verbs about the session itself: log in, ask, leave (RFC 959 §4.1.1 and §4.1.3, RFC 2389).

import type { SampleSession, SampleVerb } from './sample-session.ts';

export const sessionVerbs: Record<string, SampleVerb> = {
  USER(session, name) {
    session.user = name;
    session.loggedIn = false;
    // RFC 2577 §7: the answer is the same for every name.
    session.reply(331, 'Any password will do.');
  },
  PASS(session) {
    if (session.user === undefined) {
      session.reply(503, 'USER comes first.');
      return;
    }
    session.loggedIn = true;
    session.reply(230, 'Welcome.');
  },
  QUIT: (session) => session.end(221, 'Goodbye.'),
  NOOP: (session) => session.reply(200, 'Still here.'),
  SYST: (session) => session.reply(215, 'UNIX Type: L8'),
  STAT(session) {
    session.write(`211-Portcullis sample server\r\n Logged in from ${session.peer}\r\n211 End\r\n`);
  },
  HELP(session) {
    session.write('214-Known here:\r\n');
    session.write(
      ` ${Object.keys(sessionVerbs).join(' ')}, files and transfers as in RFC 959 and RFC 3659\r\n214 End\r\n`,
    );
  },
  FEAT(session) {
    const features = ['EPRT', 'EPSV', 'MDTM', 'MLST type*;size*;modify*;', 'REST STREAM', 'SIZE', 'UTF8'];
    session.write(`211-Features\r\n${features.map((feature) => ` ${feature}\r\n`).join('')}211 End\r\n`);
  },
  // RFC 2640: names are octets here, so UTF-8 is always on; curl and lftp ask for it, ncftp sends CLNT.
  OPTS: (session, argument) => {
    if (/^UTF-?8( ON)?$/i.test(argument)) session.reply(200, 'Always.');
    else session.reply(501, 'No such option.');
  },
  // RFC 959 §3.1.1: files leave as they are stored under every type, which is what vsftpd does by default too.
  TYPE: (session, type) => {
    if (/^(A( N)?|I|L 8)$/i.test(type)) session.reply(200, `Type is ${type.toUpperCase()}.`);
    else session.reply(504, 'Only A, I and L 8.');
  },
  MODE: (session, mode) => onlyOne(session, mode, /^S$/i, 'stream mode'),
  STRU: (session, structure) => onlyOne(session, structure, /^F$/i, 'file structure'),
};

function onlyOne(session: SampleSession, asked: string, known: RegExp, name: string): void {
  if (known.test(asked)) session.reply(200, `It is ${name}.`);
  else session.reply(504, `Only ${name}.`);
}

// Which events does the log tell of? Each has an id that never changes, by which alerts and searches find it (`event`
// of a line), and is explained once, here: `portcullis events` prints this list, and the types come from it.
// The record of a transfer stands beside them: its fields are fixed, and `"msg":"transfer"` is its name; see audit.ts.

import type { Logger } from './log.ts';

interface EventInfo {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** `msg` of its lines. */
  readonly text: string;
  /** What it says. */
  readonly meaning: string;
  /** What the gateway has done. */
  readonly done: string;
  /** What an operator may do about it. */
  readonly advice: string;
}

const nothing = 'nothing needs to be done';

export const events = {
  ready: {
    level: 'info',
    text: 'ready',
    meaning: 'the gateway serves',
    done: 'it accepts clients on all its listeners',
    advice: nothing,
  },
  draining: {
    level: 'info',
    text: 'draining',
    meaning: 'SIGTERM or SIGINT has come',
    done: 'no new session begins, and transfers may finish within boundMs',
    advice: nothing,
  },
  'drain-bound-passed': {
    level: 'warn',
    text: 'the bound of the drain has passed; ending the remaining sessions',
    meaning: 'sessions were still there when sessions.drainTimeout had passed',
    done: 'each of them gets 421',
    advice: 'raise sessions.drainTimeout where transfers take longer than that',
  },
  stopped: {
    level: 'info',
    text: 'stopped',
    meaning: 'the gateway has ended',
    done: 'all sockets are closed, and its table is gone',
    advice: nothing,
  },
  'settings-reloaded': {
    level: 'info',
    text: 'settings reloaded; they hold for new sessions',
    meaning: 'SIGHUP has come, and the files are good',
    done: 'new sessions have the new settings, and all sessions the new rules',
    advice: nothing,
  },
  'settings-refused': {
    level: 'error',
    text: 'settings not reloaded; the old ones stay in force',
    meaning: 'SIGHUP has come, and the files have a problem, which is told with its place',
    done: 'nothing has changed',
    advice: 'mend it, ask portcullis check, and send SIGHUP again',
  },
  'settings-incomplete': {
    level: 'error',
    text: 'settings reloaded, but not everywhere; the next reload tries all parts again',
    meaning: 'an engine or the nftables table did not take settings that the others have',
    done: 'readyz says 503, and settings_in_step is 0',
    advice: 'look for what the problem names, then send SIGHUP again; restart where that does not help',
  },
  'setting-needs-restart': {
    level: 'warn',
    text: 'this setting changes only with a restart',
    meaning: 'the file has another value for it than is in force',
    done: 'the old value stays, and everything else is applied',
    advice: 'restart at a quiet hour',
  },
  'out-of-step': {
    level: 'error',
    text: 'a part goes by other settings than the rest',
    meaning: 'an engine or the nftables table did not take settings that the others have',
    done: 'readyz says 503 until all agree',
    advice: 'send SIGHUP again; restart where that does not help',
  },
  'in-step-again': {
    level: 'info',
    text: 'all parts go by the same settings again',
    meaning: 'what had differed has the settings of the rest',
    done: 'readyz says 200 again',
    advice: nothing,
  },
  'certificates-renewed': {
    level: 'info',
    text: 'certificates renewed; they hold for new sessions',
    meaning: 'the files of a certificate have changed',
    done: 'new sessions are shown the new one; those under way go on',
    advice: nothing,
  },
  'certificates-refused': {
    level: 'error',
    text: 'certificates not renewed; the old ones stay in force',
    meaning: 'the files have changed, and cannot be used: the problem says why',
    done: 'the old ones stay',
    advice: 'mend them before the old ones end (tls_certificate_expiry_seconds)',
  },
  'certificates-refused-in-part': {
    level: 'error',
    text: 'some certificates not renewed; of these the old ones stay in force',
    meaning: 'the files of several certificates have changed, and some cannot be used: the problem says why',
    done: 'the good ones hold, and of the others the old ones stay',
    advice: 'mend them before the old ones end (tls_certificate_expiry_seconds)',
  },
  'settings-doubtful': {
    level: 'warn',
    text: 'the settings are doubtful',
    meaning: 'something in the files cannot be meant, as a rule that never matches; the problem says what',
    done: 'the settings hold as they are written',
    advice: 'read what portcullis check says',
  },
  'descriptors-short': {
    level: 'warn',
    text: 'fewer file descriptors than sessions.max may need; raise the limit (LimitNOFILE) or lower sessions.max',
    meaning: 'the limit of the process would be met before sessions.max',
    done: 'it serves; beyond the limit clients are not accepted',
    advice: 'raise the limit (ulimit -n, systemd LimitNOFILE) or lower sessions.max',
  },
  'table-restored': {
    level: 'warn',
    text: 'the nftables table had gone; it is back, and what waited in it is lost',
    meaning: 'somebody has flushed the ruleset or changed our table',
    done: 'the table is as it was; transfers that were announced and not begun have failed',
    advice: 'reload firewalls by tables of their own, not by flush ruleset',
  },
  'table-unsound': {
    level: 'error',
    text: 'control connections may pass unread',
    meaning: 'our nftables table is not as it has to be, and cannot be mended',
    done: 'it is tried again every few seconds',
    advice: 'look at what the problem names; keep FTP closed in your own chains until it is mended',
  },
  'engine-died': {
    level: 'fatal',
    text: 'an engine died',
    meaning: 'a thread has ended by a fault of ours',
    done: 'its sessions are gone, and the gateway ends so that a supervisor starts it anew',
    advice: 'report it with the line, which holds the place in the code',
  },
  'internal-error': {
    level: 'error',
    text: 'internal error',
    meaning: 'a fault of ours, in one session or in one step of the main thread',
    done: 'the session it was in has ended, and no other',
    advice: 'report it with the line, which holds the place in the code',
  },
  'admin-failed': {
    level: 'error',
    text: 'admin page failed',
    meaning: 'an admin page could not be made or sent',
    done: 'whoever asked got an error; traffic is not touched',
    advice: 'report it with the line',
  },
  'admin-refused': {
    level: 'warn',
    text: 'admin request refused',
    meaning: 'an admin page was asked for by another name, or by a page of another site (DNS rebinding)',
    done: 'it was answered 421 or 403',
    advice: 'add names that are meant to admin.hosts',
  },
  'session-begun': {
    level: 'debug',
    text: 'session begins',
    meaning: 'a client was accepted',
    done: 'the server is dialled',
    advice: nothing,
  },
  'session-ended': {
    level: 'info',
    text: 'session ended',
    meaning: 'a control connection is over; outcome and reason say how',
    done: 'its ways are closed',
    advice: 'look at outcome and reason where it was not the client that said QUIT',
  },
  'session-refused': {
    level: 'warn',
    text: 'session refused',
    meaning: 'a client was turned away at the door; cause says why',
    done: 'it got 421, and no server was dialled',
    advice: 'raise sessions.max or perClient where the client is meant to be served',
  },
  login: {
    level: 'debug',
    text: 'login',
    meaning: 'the server has let a user in',
    done: 'the session counts as known',
    advice: nothing,
  },
  refused: {
    level: 'warn',
    text: 'refused',
    meaning: 'a command, or an address in a reply, was not let through; cause, rule and reason say why',
    done: 'the client got an FTP error; the session goes on unless the rule closes it',
    advice: 'with bounce in the line somebody has tried to reach a third host: look at who it was',
  },
  'address-replaced': {
    level: 'warn',
    text: 'address replaced',
    meaning: 'a peer named an address that is not its own; cause says how',
    done: 'the address of its control connection was taken instead; the other was never contacted',
    advice: 'set the address that the server announces (pasv_address, MasqueradeAddress) right',
  },
  'stranger-refused': {
    level: 'warn',
    text: 'stranger refused',
    meaning: 'somebody else than the expected peer connected to a data port',
    done: 'the connection was reset, and the transfer waits on for its own peer',
    advice: 'look at who it was: somebody may try to steal a transfer',
  },
  granted: {
    level: 'debug',
    text: 'granted',
    meaning: 'an access rule, or the default, allowed a command',
    done: 'it went to the server',
    advice: nothing,
  },
  'would-be-denied': {
    level: 'warn',
    text: 'would be denied',
    meaning: 'a rule on trial (then: report) has matched',
    done: 'the command went to the server',
    advice: 'write deny instead of report once such lines name only who is meant',
  },
  'foreign-protocol': {
    level: 'warn',
    text: 'no FTP',
    meaning: 'what a client or a server (from) said first was HTTP, TLS, SSH or binary',
    done: 'the session ended with 421',
    advice: 'from a client: a browser that was made to, or a scanner; from a server: another program has its port',
  },
  'tls-up': {
    level: 'debug',
    text: 'TLS is up',
    meaning: 'a handshake has succeeded',
    done: 'that leg is under TLS',
    advice: nothing,
  },
  'tls-failed': {
    level: 'warn',
    text: 'TLS failed',
    meaning: 'a handshake did not succeed; the reason says why',
    done: 'the session, or that data connection, has ended; nothing goes on in the clear',
    advice: 'compare versions, certificates and names with what the reason says',
  },
  'clear-text-discarded': {
    level: 'warn',
    text: 'clear text discarded',
    meaning: 'octets came in the clear where only TLS may come: somebody may have injected them',
    done: 'they were thrown away',
    advice: 'look at who is between the gateway and that peer',
  },
  'tls-passed-through': {
    level: 'info',
    text: 'TLS is passed through',
    meaning: 'the peers of a session speak TLS with each other, and the gateway reads nothing',
    done: "the server's passive range is open for that client while the session lives",
    advice: 'no rule holds for such a session; end TLS at the gateway where rules shall hold',
  },
  'read-again': {
    level: 'info',
    text: 'TLS has ended: the session is read again',
    meaning: 'the client has said CCC',
    done: 'the passive range is closed, and the rules hold again',
    advice: nothing,
  },
  'lines-left-out': {
    level: 'warn',
    text: 'more of the same was not logged',
    meaning: 'one cause would have filled the log; lines says how many were left out',
    done: 'they were counted as every other',
    advice: 'the metrics have the whole number',
  },
  'client-left-out': {
    level: 'warn',
    text: 'lines of a client were not logged',
    meaning: 'one client would have filled the log; lines says how many were left out',
    done: 'they were counted as every other',
    advice: 'the metrics have the whole number',
  },
} as const satisfies Readonly<Record<string, EventInfo>>;

export type EventId = keyof typeof events;

/** What is needed of a logger: a part of one, for tests. */
export type EventLog = Pick<Logger, EventInfo['level'] | 'isLevelEnabled'>;

/** Writes the line of an event, if its level is written at all. */
export function logEvent(log: EventLog, event: EventId, fields?: object): void {
  const { level, text } = events[event];
  if (log.isLevelEnabled(level)) log[level]({ event, ...fields }, text);
}

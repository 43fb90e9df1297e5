// What the gateway does, one line for each action, in the words of the transcripts.

import assert from 'node:assert/strict';
import { printEndpoint } from '../../src/address/endpoint.ts';
import type { Action, SessionRecord } from '../../src/session/action.ts';
import type { Expectation, Side } from '../../src/session/expectation.ts';
import type { Session } from '../../src/session/session.ts';
import { textOf } from './escaped-text.ts';

/** Records of which there are many and that every line causes: a transcript lists them only where it cares. */
export const incidental: readonly SessionRecord['kind'][] = [
  'command',
  'granted',
  'reply',
  'rewrite',
  'way-opened',
  'way',
  'login',
];

export function printAction(action: Action, session: Session): string {
  switch (action.kind) {
    case 'send':
      return printSent(`to ${action.to}`, action.octets);
    case 'send-urgent':
      return printSent(`urgent to ${action.to}`, action.octets);
    case 'start-tls':
      return `start TLS: ${action.leg}${action.before === 'nothing' ? ' at once' : ''}`;
    case 'pass-through':
      return `pass through: ${action.leg}`;
    case 'open-passive-range': {
      const { client, announced, server, ports } = action.range;
      const { terms } = session;
      assert.equal(client.text, terms.clientPeer.address.text, 'for this client');
      assert.equal(announced.text, terms.clientLocal.address.text, 'at the address that it dialled');
      assert.equal(server.text, terms.serverPeer.address.text, 'to this server');
      return `open passive ports: ${ports.from}-${ports.to}`;
    }
    case 'close-passive-range':
      return 'close passive ports';
    case 'look-at-passive-range':
      return 'look: passive ports';
    case 'end-tls':
      return `end TLS: ${action.leg}`;
    case 'protect-data-path':
      return `protect: way ${action.way} client ${action.client}, server ${action.server}`;
    case 'open-data-path':
      return `open: ${sides.map((side) => printLeg(side, action.expectation, session)).join(', ')}`;
    case 'dial-data-leg':
      return `dial: ${action.leg} for way ${action.way}`;
    case 'dial-server':
      return 'dial: server';
    case 'keep-data-path':
      return `keep: way ${action.way}`;
    case 'look-at-ways':
      return `look: way ${action.ways.join(', ')}${action.when === 'now' ? '' : ' after sending'}`;
    case 'conclude-data-path':
      return `conclude: way ${action.way}`;
    case 'close-data-path':
      return `close: way ${action.way}`;
    case 'end-writing':
      return `end writing: ${action.leg}`;
    case 'close-leg':
      return `close leg: ${action.leg}`;
    case 'charge-client':
      return 'charge client';
    case 'remember-dialect':
      return `remember: ${Object.entries(action.dialect).flat().join(' ')}`;
    case 'record':
      return `record: ${printRecord(action.record)}`;
  }
}

function printSent(where: string, octets: Uint8Array): string {
  const [type, version] = octets;
  if (type !== undefined && type in recordTypes && version === 3) return `${where} under TLS: ${recordTypes[type]}`;
  const text = textOf(octets);
  return text.endsWith('\\r\\n') ? `${where}: ${text.slice(0, -4)}` : `${where} without line end: ${text}`;
}

const recordTypes: Readonly<Record<number, string>> = { 21: 'alert', 22: 'handshake', 23: 'data' };

const sides = ['client', 'server'] as const;

// The addresses are said only where they are not those of the control connection.
function printLeg(side: Side, expectation: Expectation, session: Session): string {
  const leg = expectation[side];
  const { clientLocal, clientPeer, serverPeer } = session.terms;
  const [here, peer] = side === 'client' ? [clientLocal, clientPeer] : [session.serverLocal, serverPeer];
  // A dialling leg without an address of its own leaves it to the kernel.
  if (leg.local !== undefined)
    assert.equal(leg.local.text, here?.address.text, `the ${side} leg has the address of its control connection`);
  if (leg.mode === 'dial') {
    const from = leg.sourcePort === undefined ? '' : ` from port ${leg.sourcePort}`;
    return `${side === 'server' ? 'server dials' : 'client dials'} ${printEndpoint(leg.remote)}${from}`;
  }
  assert.equal(leg.admits.text, peer.address.text, `the ${side} leg admits the peer of its control connection`);
  const others = leg.admitsToo.map((network) => network.text);
  return [`${side} listens`, ...others.map((network) => `also for ${network}`)].join(' ');
}

function printRecord(record: SessionRecord): string {
  switch (record.kind) {
    case 'command':
      return `command ${record.verb}`;
    case 'reply':
      return `reply ${record.code} of the ${record.origin}`;
    case 'rewrite':
      return `rewrite ${record.what}`;
    case 'refusal': {
      const verb = record.verb === undefined ? '' : ` of ${record.verb}`;
      const target = record.target === undefined ? '' : ` naming ${printEndpoint(record.target)}`;
      const by = record.cause === 'denied-by-rule' ? ` by ${record.rule}` : '';
      return `refusal ${record.cause}${verb}${target}${by}${printBounce(record.bounce)}`;
    }
    case 'granted':
      return `granted ${record.verb} by ${record.rule}`;
    case 'reported':
      return `reported ${record.verb} by ${record.rule}`;
    case 'replaced':
      return `replaced ${printEndpoint(record.target)}${printBounce(record.bounce)}`;
    case 'stranger':
      return `stranger ${record.peer.address.text} at the ${record.leg} leg of way ${record.way}`;
    case 'way-opened':
      return `way ${record.way} opened`;
    case 'way':
      return `way ${record.way} ${record.outcome}`;
    case 'login':
      return `login ${record.user}`;
    case 'transfer': {
      const { verb, path, user, outcome, replyCode, octetsToClient, octetsToServer } = record.transfer;
      const octets = octetsToServer > 0 ? `${octetsToServer} octets to server` : `${octetsToClient} octets to client`;
      const name = path === '' ? '' : ` ${path}`;
      return `transfer ${verb}${name} by ${user ?? 'nobody'}: ${outcome}, ${replyCode ?? 'no reply'}, ${octets}`;
    }
    case 'tls-up':
      return `TLS up at ${record.leg}`;
    case 'tls-failed':
      return `TLS failed at ${record.leg}`;
    case 'clear-text-discarded':
      return `${record.octets} clear octets of the ${record.leg} discarded`;
    case 'opaque':
      return `opaque, passive ports ${record.range.ports.from}-${record.range.ports.to}`;
    case 'read-again':
      return 'read again';
    case 'foreign-protocol':
      return `foreign protocol ${record.protocol}${record.from === 'server' ? ' of the server' : ''}`;
    case 'session-ended':
      return `session ended ${record.outcome}`;
  }
}

function printBounce(bounce: string | undefined): string {
  return bounce === undefined ? '' : `, bounce ${bounce}`;
}

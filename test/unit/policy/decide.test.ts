// Each rule of the ruleset, with the answer and the key that gave it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Address, type Endpoint, parseAddress, parseEndpoint } from '../../../src/address/endpoint.ts';
import { parseNetwork } from '../../../src/address/network.ts';
import type { Parsed } from '../../../src/address/parsed.ts';
import { openAccess } from '../../../src/policy/access-rules.ts';
import { decide } from '../../../src/policy/decide.ts';
import type { Ruleset } from '../../../src/policy/ruleset.ts';
import { fxpPartners } from '../../../src/policy/target-rules.ts';

const network = (text: string) => must(parseNetwork(text));
const address = (text: string): Address => must(parseAddress(text));
const endpoint = (text: string): Endpoint => must(parseEndpoint(text));

const ruleset: Ruleset = {
  source: 'test',
  dataConnections: {
    minimumPort: 1024,
    activePorts: undefined,
    beforeLogin: 'refuse',
    unspecifiedAddress: 'replace',
    foreignPassiveAddress: 'replace',
    fxp: [
      { between: network('10.0.0.5'), and: network('198.51.100.0/24') },
      { between: network('2001:db8:1::/48'), and: network('2001:db8:2::/48') },
    ],
  },
  verbs: {
    refuse: new Set(['LPRT', 'PORT']),
    allow: new Set(['RCMD']),
    unknown: 'refuse',
    site: { allow: undefined, refuse: new Set(['EXEC']) },
  },
  access: openAccess,
  malformedReply: 'close',
  masks: { greeting: undefined, system: undefined, privateAddresses: false },
};

const strict: Ruleset = {
  ...ruleset,
  dataConnections: { ...ruleset.dataConnections, unspecifiedAddress: 'refuse', foreignPassiveAddress: 'refuse' },
};

const forwarding: Ruleset = { ...ruleset, verbs: { ...ruleset.verbs, unknown: 'forward' } };

describe('a verb', () => {
  const verb = (rules: Ruleset, name: string, known: boolean) =>
    decide(rules, { kind: 'verb', verb: name, known, asksForData: false, login: 'out', site: undefined });

  it('passes when no rule refuses it', () => {
    assert.equal(verb(ruleset, 'RETR', true).verdict, 'allow');
  });

  it('is refused when it is listed, even one that the gateway handles', () => {
    assert.deepEqual(outcome(verb(ruleset, 'LPRT', true)), ['refuse', 'verb-refused', 'verbs.refuse']);
    assert.deepEqual(outcome(verb(ruleset, 'PORT', true)), ['refuse', 'verb-refused', 'verbs.refuse']);
    assert.deepEqual(outcome(verb(forwarding, 'LPRT', false)), ['refuse', 'verb-refused', 'verbs.refuse']);
  });

  it('that is unknown is refused or forwarded, as the rules say', () => {
    assert.deepEqual(outcome(verb(ruleset, 'XDIR', false)), ['refuse', 'verb-unknown', 'verbs.unknown']);
    assert.deepEqual(outcome(verb(forwarding, 'XDIR', false)), ['allow', undefined, 'verbs.unknown']);
  });

  it('that is unknown may be allowed by name', () => {
    assert.equal(verb(ruleset, 'RCMD', false).verdict, 'allow');
  });

  it('that is unknown is not repeated in the reason, because its octets are the peer’s', () => {
    assert.doesNotMatch(verb(ruleset, 'X\u001b[2J', false).reason, /\u001b/);
  });
});

describe('a verb that asks for data', () => {
  const early = { kind: 'verb', verb: 'RETR', known: true, asksForData: true, login: 'out', site: undefined } as const;
  const lenient: Ruleset = { ...ruleset, dataConnections: { ...ruleset.dataConnections, beforeLogin: 'allow' } };

  it('waits for a login, unless the rules say otherwise', () => {
    const rule = 'dataConnections.beforeLogin';
    assert.deepEqual(outcome(decide(ruleset, early)), ['refuse', 'not-logged-in', rule]);
    assert.equal(decide(ruleset, { ...early, login: 'in', site: undefined }).verdict, 'allow');
    assert.equal(decide(lenient, early).verdict, 'allow');
  });

  it('is refused for what it is where it is listed, too', () => {
    assert.deepEqual(outcome(decide(ruleset, { ...early, verb: 'PORT' }))[1], 'verb-refused');
  });
});

describe('the target of PORT or EPRT', () => {
  const active = (rules: Ruleset, target: string, controlPeer = '192.0.2.7', server = '10.0.0.5') =>
    decide(rules, {
      kind: 'active-target',
      target: endpoint(target),
      controlPeer: address(controlPeer),
      server: address(server),
      ownPorts: [2121],
    });

  it('passes when it is the client itself', () => {
    assert.equal(active(strict, '192.0.2.7:50000').verdict, 'allow');
    assert.equal(active(strict, '[2001:db8::7]:50000', '2001:db8::7').verdict, 'allow');
    assert.equal(active(strict, '192.0.2.7:1024').verdict, 'allow');
  });

  it('is refused where the gateway or a well-known service listens, and outside the ports that the rules name', () => {
    const refused = ['refuse', 'target-port'];
    for (const port of [2121, 3306, 8080]) {
      assert.deepEqual(outcome(active(ruleset, `192.0.2.7:${port}`)).slice(0, 2), refused, String(port));
    }
    const { dataConnections } = ruleset;
    const narrow = { ...ruleset, dataConnections: { ...dataConnections, activePorts: [{ from: 5000, to: 8080 }] } };
    assert.equal(active(narrow, '192.0.2.7:5000').verdict, 'allow');
    assert.deepEqual(outcome(active(narrow, '192.0.2.7:20000')), [...refused, 'dataConnections.activePorts']);
    assert.deepEqual(outcome(active(narrow, '192.0.2.7:8080')).slice(0, 2), refused);
  });

  it('is refused when it is a third party, and the reason names both addresses', () => {
    const decision = active(ruleset, '192.0.2.8:50000');
    assert.deepEqual(outcome(decision), ['refuse', 'third-party', 'dataConnections.fxp']);
    assert.equal(decision.reason, 'the client at 192.0.2.7 named 192.0.2.8:50000, which is another host');
  });

  it('is refused when it is the server itself or the gateway’s loopback', () => {
    assert.deepEqual(outcome(active(ruleset, '10.0.0.5:50000')).slice(0, 2), ['refuse', 'third-party']);
    assert.deepEqual(outcome(active(ruleset, '127.0.0.1:50000')).slice(0, 2), ['refuse', 'third-party']);
  });

  it('is refused when it is of the other family, since it cannot be told whose it is', () => {
    assert.deepEqual(outcome(active(ruleset, '192.0.2.7:50000', '2001:db8::7')).slice(0, 2), ['refuse', 'third-party']);
  });

  it('is refused below the lowest port', () => {
    const decision = active(ruleset, '192.0.2.7:1023');
    assert.deepEqual(outcome(decision), ['refuse', 'low-port', 'dataConnections.minimumPort']);
    assert.equal(decision.reason, '192.0.2.7:1023 was named, and its port is below 1024');
  });

  it('counts as the bounce that it is when both the host and the port are wrong', () => {
    assert.deepEqual(outcome(active(ruleset, '192.0.2.8:25')).slice(0, 2), ['refuse', 'third-party']);
  });

  it('that is no address is replaced or refused, as the rules say', () => {
    const rule = 'dataConnections.unspecifiedAddress';
    assert.deepEqual(outcome(active(ruleset, '0.0.0.0:50000')), ['replace', 'unspecified-address', rule]);
    assert.deepEqual(outcome(active(strict, '0.0.0.0:50000')), ['refuse', 'unspecified-address', rule]);
    assert.deepEqual(outcome(active(ruleset, '[::]:50000', '2001:db8::7'))[0], 'replace');
  });

  it('that is no address is still held to the lowest port', () => {
    assert.deepEqual(outcome(active(ruleset, '0.0.0.0:80')).slice(0, 2), ['refuse', 'low-port']);
  });

  it('passes when an FXP pair joins it with the server, in either order', () => {
    assert.deepEqual(outcome(active(strict, '198.51.100.9:50000')), ['allow', undefined, 'dataConnections.fxp']);
    assert.equal(active(strict, '10.0.0.5:50000', '192.0.2.7', '198.51.100.9').verdict, 'allow');
    assert.equal(active(strict, '[2001:db8:1::1]:50000', '2001:db8::7', '2001:db8:2::1').verdict, 'allow');
  });

  it('is refused when both lie on the same side of a pair, or in different pairs', () => {
    assert.equal(active(ruleset, '198.51.100.9:50000', '192.0.2.7', '198.51.100.10').verdict, 'refuse');
    assert.equal(active(ruleset, '[2001:db8:2::1]:50000', '192.0.2.7', '10.0.0.5').verdict, 'refuse');
  });

  it('is held to the lowest port between FXP partners too', () => {
    assert.deepEqual(outcome(active(ruleset, '198.51.100.9:514')).slice(0, 2), ['refuse', 'low-port']);
  });
});

describe('the target of a 227', () => {
  const passive = (rules: Ruleset, target: string) =>
    decide(rules, { kind: 'passive-target', target: endpoint(target), controlPeer: address('10.0.0.5') });

  it('passes when it is the server itself', () => {
    assert.equal(passive(strict, '10.0.0.5:40000').verdict, 'allow');
  });

  it('that is another host is replaced or refused, as the rules say, and the reason names both', () => {
    const rule = 'dataConnections.foreignPassiveAddress';
    const decision = passive(ruleset, '10.0.0.6:40000');
    assert.deepEqual(outcome(decision), ['replace', 'foreign-passive-address', rule]);
    assert.equal(decision.reason, 'the server at 10.0.0.5 named 10.0.0.6:40000, which is not its own address');
    assert.deepEqual(outcome(passive(strict, '10.0.0.6:40000')), ['refuse', 'foreign-passive-address', rule]);
  });

  it('that is no address counts as another host', () => {
    assert.deepEqual(outcome(passive(ruleset, '0.0.0.0:40000')).slice(0, 2), ['replace', 'foreign-passive-address']);
    assert.deepEqual(outcome(passive(strict, '0.0.0.0:40000')).slice(0, 2), ['refuse', 'foreign-passive-address']);
  });

  it('is refused below the lowest port, even where the address would be replaced', () => {
    assert.deepEqual(outcome(passive(ruleset, '10.0.0.5:22')).slice(0, 2), ['refuse', 'low-port']);
    assert.deepEqual(outcome(passive(ruleset, '10.0.0.6:22')).slice(0, 2), ['refuse', 'low-port']);
  });

  it('knows nothing of FXP: a server’s partner is no reason to contact it', () => {
    assert.equal(passive(strict, '198.51.100.9:40000').verdict, 'refuse');
  });
});

describe('the FXP partners of a server', () => {
  const partners = (server: string) => fxpPartners(ruleset, address(server)).map(({ text }) => text);

  it('are the other sides of its pairs', () => {
    assert.deepEqual(partners('10.0.0.5'), ['198.51.100.0/24']);
    assert.deepEqual(partners('198.51.100.9'), ['10.0.0.5/32']);
    assert.deepEqual(partners('2001:db8:2::1'), ['2001:db8:1::/48']);
  });

  it('are none for a server in no pair', () => {
    assert.deepEqual(partners('10.0.0.6'), []);
  });
});

function outcome(decision: ReturnType<typeof decide>): [string, string | undefined, string] {
  return [decision.verdict, decision.verdict === 'allow' ? undefined : decision.cause, decision.rule];
}

function must<T>(result: Parsed<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return result.value;
}

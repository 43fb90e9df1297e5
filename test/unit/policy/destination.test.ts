// Who gets to which server, and what is said where nobody does.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Destinations, destinationOf, type WayThere } from '../../../src/policy/destination.ts';
import { address, endpoint, networks } from '../../support/table-plans.ts';

const terms: Destinations = {
  clients: undefined,
  publish: [{ from: endpoint('203.0.113.10:21'), to: endpoint('192.0.2.10:2100') }],
  servers: networks('192.0.2.0/24', '2001:db8:77::/64', 'fe80::/10', '198.51.100.0/24'),
  egress: undefined,
  source: 'gateway',
  listen: endpoint('0.0.0.0:2121'),
};

function reached(changes: Partial<Destinations>, client: string, dialled: string, way: WayThere = 'elsewhere'): string {
  const found = destinationOf({ ...terms, ...changes }, address(client), endpoint(dialled), () => way);
  return found.ok ? `${found.value.address.text} ${found.value.port}` : `${found.reason.cause}: ${found.reason.text}`;
}

const client = '198.51.100.2';

describe('the server that a client means', () => {
  it('is the one that it dialled, or the one that is published there', () => {
    assert.equal(reached({}, client, '192.0.2.10:21'), '192.0.2.10 21');
    assert.equal(reached({}, client, '203.0.113.10:21'), '192.0.2.10 2100');
    assert.equal(reached({}, client, '[2001:db8:77::2]:21'), '2001:db8:77::2 21');
  });

  it('must be listed, published where the address is a public one, and not the listener', () => {
    assert.match(reached({}, client, '192.0.3.1:21'), /^server: .*servers/);
    assert.match(reached({}, client, '203.0.113.10:990'), /^server: nothing is published/);
    assert.match(reached({}, client, '192.0.2.10:2121'), /^server: the listener itself/);
    const published = [{ from: endpoint('192.0.2.1:2121'), to: endpoint('192.0.2.10:21') }];
    assert.equal(reached({ publish: published }, client, '192.0.2.1:2121'), '192.0.2.10 21');
  });

  it('is this machine only where it is published', () => {
    assert.match(reached({}, client, '192.0.2.1:21', 'own'), /^server: .*not published/);
    assert.equal(reached({}, client, '203.0.113.10:21', 'own'), '192.0.2.10 2100');
  });

  it('lies behind the interface that is named', () => {
    assert.equal(reached({ egress: 'wan0' }, client, '192.0.2.10:21', 'egress'), '192.0.2.10 21');
    assert.match(reached({ egress: 'wan0' }, client, '192.0.2.10:21', 'elsewhere'), /^egress: .*wan0/);
    assert.match(reached({ egress: 'wan0' }, client, '203.0.113.10:21', 'elsewhere'), /^egress: /);
  });

  it('is none for a client of another network, before anything else is looked at', () => {
    const clients = networks('10.0.0.0/8', 'fd00::/8');
    assert.equal(reached({ clients }, '10.1.2.3', '192.0.2.10:21'), '192.0.2.10 21');
    const unasked = (): WayThere => assert.fail('nothing is asked');
    const found = destinationOf({ ...terms, clients }, address(client), endpoint('192.0.2.10:21'), unasked);
    assert.ok(!found.ok && found.reason.cause === 'network');
  });

  it('cannot be reached with or at a link-local address', () => {
    assert.match(reached({ source: 'client' }, 'fe80::1', '[2001:db8:77::2]:21'), /^link-local: .*RFC 4291/);
    assert.match(reached({ source: 'client' }, 'febf::1', '[2001:db8:77::2]:21'), /^link-local: /);
    assert.equal(reached({ source: 'client' }, 'fec0::1', '[2001:db8:77::2]:21'), '2001:db8:77::2 21');
    assert.equal(reached({ source: 'gateway' }, 'fe80::1', '[2001:db8:77::2]:21'), '2001:db8:77::2 21');
    assert.match(reached({}, client, '[fe80::2]:21'), /^link-local: the server/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Endpoint, parseEndpoint } from '../../../src/address/endpoint.ts';
import { announcement, askServer } from '../../../src/session/rewrite.ts';
import { formatReply } from '../../../src/wire/reply.ts';
import { textOf } from '../../support/escaped-text.ts';

function endpoint(text: string): Endpoint {
  const read = parseEndpoint(text);
  assert.ok(read.ok);
  return read.value;
}

describe('askServer', () => {
  it('asks for a passive server without an argument', () => {
    assert.equal(textOf(askServer('PASV')), 'PASV\\r\\n');
    assert.equal(textOf(askServer('EPSV')), 'EPSV\\r\\n');
  });

  const active: [verb: 'PORT' | 'EPRT', advertised: string, line: string][] = [
    ['PORT', '10.0.0.1:50000', 'PORT 10,0,0,1,195,80'],
    ['PORT', '255.255.255.255:65535', 'PORT 255,255,255,255,255,255'],
    ['PORT', '10.0.0.1:1024', 'PORT 10,0,0,1,4,0'],
    ['EPRT', '10.0.0.1:50000', 'EPRT |1|10.0.0.1|50000|'],
    ['EPRT', '[fd00::1]:1024', 'EPRT |2|fd00::1|1024|'],
  ];
  for (const [verb, advertised, line] of active)
    it(`tells an active server ${advertised} in ${verb}`, () => {
      assert.equal(textOf(askServer(verb, endpoint(advertised))), `${line}\\r\\n`);
    });

  it('cannot name an IPv6 address in PORT', () => {
    assert.throws(() => askServer('PORT', endpoint('[fd00::1]:50000')), RangeError);
  });
});

describe('announcement', () => {
  const table: [asked: 'PASV' | 'EPSV' | 'PORT' | 'EPRT', advertised: string | undefined, line: string][] = [
    // The classic form, which other gateways on the path read too (RFC 1123 §4.1.2.6).
    ['PASV', '203.0.113.10:50000', '227 Entering Passive Mode (203,0,113,10,195,80)'],
    // RFC 2428 §3: a 229 names no address.
    ['EPSV', '203.0.113.10:50000', '229 Entering Extended Passive Mode (|||50000|)'],
    ['EPSV', '[2001:db8::10]:1024', '229 Entering Extended Passive Mode (|||1024|)'],
    ['PORT', undefined, '200 PORT command successful.'],
    ['EPRT', undefined, '200 EPRT command successful.'],
  ];
  for (const [asked, advertised, line] of table)
    it(`answers ${asked} with ${line}`, () => {
      const { code, text } = announcement(asked, advertised === undefined ? undefined : endpoint(advertised));
      assert.equal(textOf(formatReply(code, text)), `${line}\\r\\n`);
    });
});

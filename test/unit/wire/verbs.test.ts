import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCommand } from '../../../src/wire/command.ts';
import { knownVerbs, lookupVerb } from '../../../src/wire/verbs.ts';
import { octetsOf } from './deliveries.ts';

function verbsThat(property: 'secretArgument' | 'bearsAddress'): string[] {
  return knownVerbs.filter((name) => lookupVerb(name)?.[property]).sort();
}

function verbsThatStart(transfer: 'download' | 'upload' | 'listing'): string[] {
  return knownVerbs.filter((name) => lookupVerb(name)?.starts === transfer).sort();
}

describe('the table of verbs', () => {
  it('holds the whole registry of RFC 5797 and HOST', () => {
    const registry =
      'ABOR ACCT ADAT ALGS ALLO APPE AUTH CCC CDUP CONF CWD DELE ENC EPRT EPSV FEAT HELP HOST LANG LIST LPRT LPSV ' +
      'MDTM MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PORT PROT PWD QUIT REIN REST RETR RMD RNFR RNTO ' +
      'SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD XPWD XRMD';
    for (const name of registry.split(' ')) assert.notEqual(lookupVerb(name)?.rfc, undefined, name);
  });

  it('has each verb once, spelt as a parsed command spells it', () => {
    assert.equal(new Set(knownVerbs).size, knownVerbs.length);
    for (const name of knownVerbs) {
      const command = parseCommand(octetsOf(name.toLowerCase()));
      assert.equal(command.ok && command.value.verb, name);
      assert.equal(lookupVerb(name)?.name, name);
    }
  });

  it('knows every way to set up a data connection', () =>
    assert.deepEqual(verbsThat('bearsAddress'), [
      'CPSV',
      'EPRT',
      'EPSV',
      'ESTA',
      'ESTP',
      'LPRT',
      'LPSV',
      'P@SW',
      'PASV',
      'PORT',
      'SPDT',
      'SPSV',
      'SSCN',
    ]));

  it('keeps the arguments secret that may hold passwords', () =>
    assert.deepEqual(verbsThat('secretArgument'), ['ACCT', 'ADAT', 'CONF', 'ENC', 'MIC', 'PASS', 'SITE']));

  it('knows what starts a transfer', () => {
    assert.deepEqual(verbsThatStart('download'), ['RETR', 'THMB']);
    assert.deepEqual(verbsThatStart('upload'), ['APPE', 'STOR', 'STOU']);
    assert.deepEqual(verbsThatStart('listing'), ['LIST', 'MLSD', 'NLST']);
    for (const name of knownVerbs)
      assert.equal(lookupVerb(name)?.starts !== undefined, lookupVerb(name)?.group === 'transfer', name);
  });

  it('knows what is legal during a transfer', () =>
    assert.deepEqual(knownVerbs.filter((name) => lookupVerb(name)?.group === 'control').sort(), [
      'ABOR',
      'QUIT',
      'STAT',
    ]));

  it('knows nothing else, names of objects included', () => {
    for (const name of ['', 'retr', 'XYZZY', 'constructor', '__proto__']) assert.equal(lookupVerb(name), undefined);
  });
});

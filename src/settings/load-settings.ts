// What does the operator's settings file say, or what is wrong with it? The one way from the disk to Settings.
// Must not break: strict, and everything wrong is told at once with its place: syntax, keys, values, keys that
// contradict one another, and the files that the settings name. Never an exception.

import { fitsWildcard } from '../policy/wildcard.ts';
import { type Checked, inReadingOrder, type Problem, wholeFileProblem } from '../yaml/problem.ts';
import { checkSchema } from '../yaml/schema-problems.ts';
import { problemAt, readYaml, type YamlSource } from '../yaml/yaml-source.ts';
import { buildSettings, type ReadTls } from './build-settings.ts';
import { crossCheck } from './cross-check.ts';
import type { ReadableSettings } from './finding.ts';
import { type Environment, interpolate } from './interpolate.ts';
import { loadPackagedRules, loadRules } from './load-rules.ts';
import { loadTls } from './load-tls.ts';
import type { ReadRules } from './parse-ruleset.ts';
import { readTextFile } from './read-text-file.ts';
import { readableSettings, rulesPathOf } from './readable-settings.ts';
import { settingsSchema } from './schema.ts';
import type { Settings } from './settings.ts';
import { tlsSourcesOf } from './tls-sources.ts';

/**
 * Reads and checks a settings file and the rules file that it names. `${NAME}` in values comes from the environment.
 * Problems name the files by the path given here and are in reading order; there is at least one. `nowMs` decides which
 * certificates have expired.
 */
export function loadSettings(
  file: string,
  environment: Environment = process.env,
  nowMs: number = Date.now(),
): Checked<Settings> {
  const content = readTextFile(file);
  if (!content.ok) return failed([wholeFileProblem(file, `this settings file ${content.reason}`)]);
  const read = readYaml(file, content.value, (text) => interpolate(text, environment));
  if (!read.ok) return failed(read.reason);
  if (read.value.data === null) return failed([wholeFileProblem(file, emptySettings)]);
  return checkSettings(read.value, nowMs);
}

const emptySettings = 'this settings file is empty; copy deploy/reverse.yaml and change its addresses';

function checkSettings(source: YamlSource, nowMs: number): Checked<Settings> {
  const checked = checkSchema(settingsSchema, source);
  const readable = readableSettings(source.data);
  const findings = crossCheck(readable);
  const rules = rulesOf(source);
  const tls = readable.listeners.map((listener, index): ReadTls => {
    const sources = tlsSourcesOf(source, ['listeners', index], listener.tls);
    return { sources, loaded: loadTls(sources, nowMs) };
  });
  const problems = [
    ...source.problems,
    ...(checked.ok ? [] : checked.reason),
    ...findings.map(({ path, message }) => problemAt(source, path, message)),
    ...(rules.ok ? listenersAmiss(rules.value, readable) : rules.reason),
    ...tls.flatMap(({ loaded }) => loaded.problems),
  ];
  if (!checked.ok || !rules.ok || problems.length > 0) return failed(problems);
  const settings = buildSettings(checked.value, rules.value.ruleset, tls);
  const warnings = [...settings.warnings, ...rules.value.warnings, ...unreadWarnings(settings, source)];
  return { ok: true, value: { ...settings, warnings } };
}

/** A rule for a listener that does not exist holds for nobody. */
function listenersAmiss({ listeners }: ReadRules, readable: ReadableSettings): Problem[] {
  const names = readable.listeners.map(({ name }) => name).filter((name) => name !== undefined);
  return listeners
    .filter((rule) => !names.some((name) => fitsWildcard(rule.name, name, 'any-case')))
    .map(({ unknown }) => unknown);
}

/** What is passed through unread cannot be judged. */
function unreadWarnings({ listeners, rules: { access } }: Settings, source: YamlSource): Problem[] {
  if (access.rules.length === 0 && access.otherwise === 'allow') return [];
  return listeners.flatMap(({ tls }, index) => {
    if (tls.client.mode !== 'pass-through') return [];
    const message =
      'the access rules cannot be applied behind AUTH, so it is refused but where a rule allows AUTH by its name';
    return [problemAt(source, ['listeners', index, 'tls', 'client', 'mode'], message)];
  });
}

function rulesOf(source: YamlSource): Checked<ReadRules> {
  const path = rulesPathOf(source.data);
  // A path that is wrong in itself falls to the packaged rules here too; the schema has told what is wrong with it.
  return path === undefined ? loadPackagedRules() : loadRules(source, path);
}

function failed(problems: readonly Problem[]): Checked<Settings> {
  return { ok: false, reason: inReadingOrder(problems) };
}

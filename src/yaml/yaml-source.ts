// What data does this YAML text hold, and where in the text does each part of it stand?
// Must not break: any text at all gives data or problems with places, never an exception. YAML 1.2.2 core schema;
// references (*name) and tags (!name) are not read: what a rule says must be visible where it stands.

import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { Parsed } from '../address/parsed.ts';
import {
  type Checked,
  inReadingOrder,
  type Path,
  type Place,
  type Problem,
  printPath,
  shown,
  wholeFileProblem,
} from './problem.ts';
import { syntaxMessage, tagMessage } from './yaml-syntax-message.ts';

export interface YamlSource {
  readonly file: string;
  /** Maps as objects, lists as arrays; a key that stands twice has its last value. Null where the text is empty. */
  readonly data: unknown;
  /** What is wrong already but does not keep the rest from being checked. */
  readonly problems: readonly Problem[];
  /** Where the value stands; where nothing stands, its nearest enclosing value. */
  placeOf(path: Path): Place;
  /** Where the key of the value stands. */
  placeOfKey(path: Path): Place;
}

/** The problem that the value under a path is wrong, or lacks a key. */
export function problemAt(source: YamlSource, path: Path, message: string): Problem {
  const name = printPath(path);
  return { file: source.file, ...source.placeOf(path), message: name === '' ? message : `${name}: ${message}` };
}

// Our files nest four deep. The parser calls itself for each level, and some thousands of levels end the process.
const depthMax = 64;

/** Reads one YAML document. `fill` may replace each text value (never a key, and never the text of the file). */
export function readYaml(file: string, text: string, fill?: (text: string) => Parsed<string>): Checked<YamlSource> {
  if (isTooDeep(text)) return failed(wholeFileProblem(file, `nests deeper than ${depthMax} levels`));
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Place => placeAt(lines, offset);
  const faults = [...document.errors, ...document.warnings];
  const problems = faults.map((fault) => ({ file, ...at(fault.pos[0]), message: syntaxMessage(fault, text) }));
  problems.push(...findUnread(document, file, at));
  // A key that stands twice is a fault of the writer alone; after any other the parser no longer knows what it reads.
  const isReadable = problems.length === faults.length && faults.every(({ code }) => code === 'DUPLICATE_KEY');
  if (!isReadable) return { ok: false, reason: firstOfEachLine(problems) };
  if (fill !== undefined) problems.push(...fillTexts(document, fill, file, at));
  return { ok: true, value: sourceOf(document, file, problems, at) };
}

function sourceOf(document: Document, file: string, problems: Problem[], at: (offset: number) => Place): YamlSource {
  return {
    file,
    data: document.toJS(),
    problems,
    placeOf: (path) => at(nodeOffsets(document, path).value),
    placeOfKey: (path) => at(nodeOffsets(document, path).key),
  };
}

function nodeOffsets(document: Document, path: Path): { key: number; value: number } {
  let node: unknown = document.contents;
  let found = { key: offsetOf(node) ?? 0, value: offsetOf(node) ?? 0 };
  for (const part of path) {
    const step = stepInto(node, part);
    if (step === undefined) break;
    const key = offsetOf(step.key) ?? found.value;
    // Behind `key:` without a value there is nothing to point at but the key.
    found = { key, value: isScalar(step.value) && step.value.source === '' ? key : (offsetOf(step.value) ?? key) };
    node = step.value;
  }
  return found;
}

function stepInto(node: unknown, part: string | number): { key: unknown; value: unknown } | undefined {
  if (isSeq(node)) {
    const item = typeof part === 'number' ? node.items[part] : undefined;
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  // Of a key that stands twice the last counts, as in the data.
  return node.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === String(part));
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

// Forms that are YAML and that no file of ours needs.
function findUnread(document: Document, file: string, at: (offset: number) => Place): Problem[] {
  const found: Problem[] = [];
  visit(document, {
    Alias: (_, alias) => {
      const message = `a reference (${shown(`*${alias.source}`)}) is not read here; write the value out`;
      found.push({ file, ...at(alias.range?.[0] ?? 0), message });
    },
    Value: (_, { tag, range }) => {
      if (tag !== undefined) found.push({ file, ...at(range?.[0] ?? 0), message: tagMessage });
    },
    Pair: (_, { key }) => {
      if (isCollection(key)) found.push({ file, ...at(offsetOf(key) ?? 0), message: 'expected a word as a key' });
    },
  });
  return found;
}

function fillTexts(
  document: Document,
  fill: (text: string) => Parsed<string>,
  file: string,
  at: (offset: number) => Place,
): Problem[] {
  const unfilled: Problem[] = [];
  visit(document, {
    Scalar: (key, scalar) => {
      if (key === 'key' || typeof scalar.value !== 'string') return;
      const filled = fill(scalar.value);
      if (filled.ok) scalar.value = filled.value;
      else {
        // No schema takes a symbol, and nobody mistakes it for a value that the operator wrote.
        scalar.value = Symbol('unfilled');
        unfilled.push({ file, ...at(scalar.range?.[0] ?? 0), message: filled.reason });
      }
    },
  });
  return unfilled;
}

interface Depth {
  flow: number;
  inLine: number;
  indent: number;
}

// The lexer is a loop, so it can measure what the parser could not survive.
function isTooDeep(text: string): boolean {
  const depth: Depth = { flow: 0, inLine: 0, indent: 0 };
  for (const token of new Lexer().lex(text)) {
    measure(depth, token);
    // A level of block nesting costs a column at least, so no text is deeper than its indentation.
    if (depth.flow + depth.inLine > depthMax || depth.indent > 4 * depthMax) return true;
  }
  return false;
}

function measure(depth: Depth, token: string): void {
  switch (token) {
    case '[':
    case '{':
      depth.flow += 1;
      return;
    case ']':
    case '}':
      depth.flow -= 1;
      return;
    case '-':
    case '?':
      depth.inLine += 1;
      return;
    default:
      if (/^\r?\n/.test(token)) depth.inLine = 0;
      else if (depth.inLine === 0 && /^ +$/.test(token)) depth.indent = Math.max(depth.indent, token.length);
  }
}

// One slip makes the parser stumble several times on its line.
function firstOfEachLine(problems: readonly Problem[]): Problem[] {
  return inReadingOrder(problems).filter(({ line }, index, all) => line !== all[index - 1]?.line);
}

function failed(problem: Problem): Checked<YamlSource> {
  return { ok: false, reason: [problem] };
}

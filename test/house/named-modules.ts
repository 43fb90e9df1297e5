// Which modules does a source text name? All of them, however they are named: import and export, types, `import()` in
// code and in types, `require`. Read from the syntax tree, since a pattern would also find them in comments and
// strings.

import { parseSync, Visitor } from 'oxc-parser';

export interface NamedModule {
  /** Undefined where the name is not written out, but only made when the program runs. */
  readonly name: string | undefined;
  readonly line: number;
}

/** Ways to load a module that look like an ordinary call. */
const loadingCalls = ['require', 'createRequire', 'getBuiltinModule'];

/** Every module that the text names, in the order of the text. Throws where it is no TypeScript. */
export function namedModules(file: string, text: string): NamedModule[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  const found: { readonly name: string | undefined; readonly start: number }[] = [];
  const note = (source: unknown, { start }: { readonly start: number }) => found.push({ name: textOf(source), start });
  new Visitor({
    ImportDeclaration: (node) => void note(node.source, node),
    ExportAllDeclaration: (node) => void note(node.source, node),
    ExportNamedDeclaration: (node) => void (node.source !== null && note(node.source, node)),
    ImportExpression: (node) => void note(node.source, node),
    TSImportType: (node) => void note(node.source, node),
    TSExternalModuleReference: (node) => void note(node.expression, node),
    CallExpression(node) {
      const { callee } = node;
      const called =
        callee.type === 'Identifier'
          ? callee.name
          : callee.type === 'MemberExpression' && callee.property.type === 'Identifier'
            ? callee.property.name
            : '';
      if (loadingCalls.includes(called)) note(node.arguments[0], node);
    },
  }).visit(program);
  return found
    .sort((one, other) => one.start - other.start)
    .map(({ name, start }) => ({ name, line: text.slice(0, start).split('\n').length }));
}

function textOf(source: unknown): string | undefined {
  if (typeof source !== 'object' || source === null || !('value' in source)) return undefined;
  return typeof source.value === 'string' ? source.value : undefined;
}

// Which words of closed sets does nothing in the program ever say? A closed set is a union of texts in a type, or a
// tuple of texts that a type is derived from. A word is said where it stands as a value; to be compared with is not to
// be said.

import { type Node, parseSync, type TSTypeReference, Visitor } from 'oxc-parser';

/** Types whose texts choose among the words of another set, instead of making one. */
const choosing = ['Pick', 'Omit', 'Extract', 'Exclude'];

/** The words that are declared and never said, each with the file that declares it last. */
export function unsaidWords(files: ReadonlyMap<string, string>): Map<string, string> {
  const declared = new Map<string, string>();
  const said = new Set<string>();
  for (const [file, text] of files) {
    const words = wordsIn(file, text);
    for (const word of words.declared) declared.set(word, file);
    for (const word of words.said) said.add(word);
  }
  return new Map([...declared].filter(([word]) => !said.has(word)));
}

function wordsIn(file: string, text: string): { readonly declared: string[]; readonly said: string[] } {
  const notSaid = new Set<Node>();
  const declared: string[] = [];
  const said: string[] = [];
  let choices = 0;
  const declare = (node: Node | null) => {
    if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
    notSaid.add(node);
    if (choices === 0) declared.push(node.value);
  };
  const deepen = (by: number) => {
    choices += by;
  };
  const choiceIn = ({ typeName }: TSTypeReference) =>
    typeName.type === 'Identifier' && choosing.includes(typeName.name) ? 1 : 0;
  new Visitor({
    TSTypeReference: (node) => deepen(choiceIn(node)),
    'TSTypeReference:exit': (node) => deepen(-choiceIn(node)),
    TSIndexedAccessType: () => deepen(1),
    'TSIndexedAccessType:exit': () => deepen(-1),
    TSLiteralType: (node) => declare(node.literal),
    TSAsExpression({ expression }) {
      if (expression.type === 'ArrayExpression') expression.elements.forEach(declare);
    },
    SwitchCase: ({ test }) => void (test !== null && notSaid.add(test)),
    BinaryExpression: ({ left, right }) => void notSaid.add(left).add(right),
    Literal(node) {
      if (typeof node.value === 'string' && !notSaid.has(node)) said.push(node.value);
    },
  }).visit(parseSync(file, text).program);
  return { declared, said };
}

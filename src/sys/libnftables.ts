// Runs nft scripts in this process, as `nft -f` would: for rulesets, at start, stop and reload. Elements of sets change
// too often for this and go through nfnetlink.ts. One call is one transaction. The library keeps state outside its
// contexts, so only one thread of the process, the main one, may call. libnftables(3), libnftables-json(5).

import koffi from 'koffi';
import type { Result } from '../result.ts';
import { SysError } from './errno.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** What the script prints, or what the library or the kernel has against it. */
export type NftRun = Result<string, string>;

export interface NftOptions {
  /** `list` prints JSON. */
  readonly json?: boolean;
  /** As `nft -c`: the kernel says whether it would take the script, and changes nothing. */
  readonly check?: boolean;
}

type Context = object;

interface Library {
  readonly create: (flags: number) => Context | null;
  readonly free: (context: Context) => void;
  readonly setOutput: (context: Context, flags: number) => void;
  readonly setDryRun: (context: Context, dry: boolean) => void;
  readonly bufferOutput: (context: Context) => number;
  readonly bufferErrors: (context: Context) => number;
  readonly run: (context: Context, script: string) => number;
  readonly output: (context: Context) => string | null;
  readonly errors: (context: Context) => string | null;
}

const soname = 'libnftables.so.1';
const NFT_CTX_DEFAULT = 0;
const NFT_CTX_OUTPUT_JSON = 1 << 4;

let loaded: Library | undefined;

/** Runs the script as one transaction. */
export function runNft(script: string, options: NftOptions = {}): NftRun {
  // The library would silently run only what comes before it.
  if (script.includes('\0')) return { ok: false, reason: 'an nft script cannot contain NUL' };
  // Where the library cannot open its socket it ends the whole process: ask first.
  try {
    NetlinkSocket.open().close();
    loaded ??= load();
  } catch (cause) {
    return { ok: false, reason: whyNot(cause) };
  }
  const context = loaded.create(NFT_CTX_DEFAULT);
  if (context === null) return { ok: false, reason: 'libnftables has no memory for a context' };
  try {
    return runIn(loaded, context, script, options);
  } finally {
    loaded.free(context);
  }
}

function runIn(library: Library, context: Context, script: string, options: NftOptions): NftRun {
  library.setOutput(context, options.json === true ? NFT_CTX_OUTPUT_JSON : 0);
  library.setDryRun(context, options.check === true);
  // Without buffers of its own the context would print on our standard output.
  if (library.bufferOutput(context) !== 0 || library.bufferErrors(context) !== 0) {
    return { ok: false, reason: 'libnftables has no memory for its output' };
  }
  if (library.run(context, script) === 0) return { ok: true, value: library.output(context) ?? '' };
  return { ok: false, reason: inOneSentenceIfKnown((library.errors(context) ?? '').trim()) };
}

function whyNot(cause: unknown): string {
  if (cause instanceof SysError) return `the kernel's netfilter cannot be reached (${cause.message})`;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return `${soname} is needed (Debian: package libnftables1) and cannot be loaded: ${detail}`;
}

function inOneSentenceIfKnown(errors: string): string {
  if (errors.includes('Operation not permitted')) {
    return 'nftables may be used only with CAP_NET_ADMIN, which this process has not (Operation not permitted)';
  }
  return errors === '' ? 'libnftables failed and does not say why' : errors;
}

function load(): Library {
  const library = koffi.load(soname);
  return {
    create: library.func('void *nft_ctx_new(uint32_t)'),
    free: library.func('void nft_ctx_free(void *)'),
    setOutput: library.func('void nft_ctx_output_set_flags(void *, unsigned int)'),
    setDryRun: library.func('void nft_ctx_set_dry_run(void *, bool)'),
    bufferOutput: library.func('int nft_ctx_buffer_output(void *)'),
    bufferErrors: library.func('int nft_ctx_buffer_error(void *)'),
    run: library.func('int nft_run_cmd_from_buffer(void *, const char *)'),
    output: library.func('const char *nft_ctx_get_output_buffer(void *)'),
    errors: library.func('const char *nft_ctx_get_error_buffer(void *)'),
  } as unknown as Library;
}

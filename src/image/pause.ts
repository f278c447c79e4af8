import type { Architecture, ImageSource } from './oci-archive.ts';

/** The image that keeps a pod's namespaces open; nothing is pulled for it. */
export const pauseImageName = 'wherry/pause:1';

/**
 * A program of a few dozen bytes: it ignores SIGCHLD (so that the kernel reaps orphans of pods that share their process namespace)
 * and then waits for ever. The runtime ends it with SIGKILL.
 */
const code: Record<string, { machine: number; program: readonly number[] }> = {
  amd64: {
    machine: 62,
    program: [
      ...[0xb8, 13, 0, 0, 0], // mov eax, SYS_rt_sigaction
      ...[0xbf, 17, 0, 0, 0], // mov edi, SIGCHLD
      ...[0x48, 0x8d, 0x35, 19, 0, 0, 0], // lea rsi, [rip + 19]: the action below
      ...[0x31, 0xd2], // xor edx, edx
      ...[0x41, 0xba, 8, 0, 0, 0], // mov r10d, 8
      ...[0x0f, 0x05], // syscall
      ...[0xb8, 34, 0, 0, 0], // wait: mov eax, SYS_pause
      ...[0x0f, 0x05], // syscall
      ...[0xeb, 0xf7], // jmp wait
    ],
  },
  arm64: {
    machine: 183,
    program: [
      ...move(8, 134), // SYS_rt_sigaction
      ...move(0, 17), // SIGCHLD
      ...word(0x10000001 | (11 << 5)), // adr x1, 44 bytes on: the action below
      ...move(2, 0),
      ...move(3, 8),
      ...word(0xd4000001), // svc 0
      ...move(8, 73), // wait: SYS_ppoll of nothing, for ever
      ...move(0, 0),
      ...move(1, 0),
      ...move(3, 0),
      ...word(0xd4000001), // svc 0 (x2 is still 0)
      ...word(0x14000000 | (-5 & 0x3ffffff)), // b wait
      ...word(0xd503201f), // nop: keeps the action aligned
    ],
  },
};

/** SIG_IGN, no flags, no restorer, empty mask. */
const ignoreAction = [1, ...new Array<number>(31).fill(0)];
const headersBytes = 64 + 56;
const loadAddress = 0x400000n;

/** The program as an ELF file. Throws for an architecture that it has not been written for. */
export function pauseProgram(architecture: Architecture): Uint8Array {
  const entry = code[architecture];
  if (!entry) throw new Error(`no pause program for ${architecture}: only ${Object.keys(code).join(' and ')}`);
  const body = [...entry.program, ...ignoreAction];
  const file = Buffer.alloc(headersBytes + body.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0); // ELF, 64 bit, little endian, version 1
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(entry.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(loadAddress + BigInt(headersBytes), 24); // entry point
  file.writeBigUInt64LE(64n, 32); // program headers follow
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // readable, executable
  file.writeBigUInt64LE(loadAddress, 80);
  file.writeBigUInt64LE(loadAddress, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  file.set(body, headersBytes);
  return file;
}

export function pauseImage(architecture: Architecture): ImageSource {
  return {
    name: pauseImageName,
    architecture,
    config: { entrypoint: ['/pause'], user: '65535:65535' },
    async writeLayer(layer) {
      layer.entry({ name: 'pause', mode: 0o755, mtime: new Date(0) }, Buffer.from(pauseProgram(architecture)));
    },
  };
}

/** movz x<register>, #value */
function move(register: number, value: number): number[] {
  return word(0xd2800000 | (value << 5) | register);
}

function word(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

/**
 * Events on disk that cannot be delivered now. They survive the process; a later process of the same host takes them
 * over.
 *
 * A directory of segments `TIME-PID-NUMBER.ndjson`, each a sequence of lines `CRC32 PATH KEY JSON`. A segment belongs to
 * the process in its name for as long as that runs. A torn last line fails its CRC and is counted, never sent. A crash
 * between delivery and removal sends lines again, which the event ids make harmless. Beside the segments lies one
 * `TIME-PID.mark` per running process: the next sequence number and who counts; see `Mark`. The files hold clear text:
 * the directory is made for its owner alone.
 */

import * as fs from "node:fs";
import * as path from "node:path";
import { crc32 } from "./crc32.js";
import { ConfigurationError } from "./errors.js";
import { type Source, sourceOf } from "./event.js";
import type { Line, Queue } from "./queue.js";

const SEGMENT_BYTES = 4 * 1024 * 1024;
const SEGMENT = /^(\d+)-(\d+)-\d+\.ndjson$/;
const MARK = /^(\d+)-(\d+)\.mark$/;

let segmentsMade = 0;

/** The spool directory as this process sees it. All calls are synchronous, so that an exit can use them. */
export class Spool {
  torn = 0;
  private readonly own = new Set<string>();
  private writing: string | undefined;

  constructor(
    private readonly directory: string,
    private readonly mostBytes: number,
  ) {
    try {
      fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
      fs.accessSync(directory, fs.constants.W_OK);
    } catch (error) {
      throw new ConfigurationError(`spoolDir cannot be used: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  /** Writes lines durably; returns those for which there is no room. */
  append(lines: Line[]): Line[] {
    let room = this.mostBytes - this.bytesOnDisk();
    const written: string[] = [];
    for (const line of lines) {
      const encoded = encode(line);
      room -= Buffer.byteLength(encoded);
      if (room < 0) break;
      written.push(encoded);
    }
    if (written.length > 0) this.write(written.join(""));
    return lines.slice(written.length);
  }

  /** The oldest segment that is this process's or an ended one's, and its readable lines. */
  oldest(): { name: string; lines: Line[]; own: boolean } | undefined {
    for (const name of this.available()) {
      if (name === this.writing) this.writing = undefined;
      const { lines, torn } = decode(fs.readFileSync(path.join(this.directory, name), "utf8"));
      this.torn += torn;
      return { name, lines, own: this.own.has(name) };
    }
    return undefined;
  }

  /** What is left of a segment after an attempt; nothing removes it. */
  replace(name: string, lines: Line[]): void {
    const file = path.join(this.directory, name);
    if (lines.length === 0) {
      fs.rmSync(file, { force: true });
      return;
    }
    const temporary = `${file}.tmp`;
    fs.writeFileSync(temporary, lines.map(encode).join(""), { mode: 0o600, flush: true } as object);
    fs.renameSync(temporary, file);
  }

  /** Whether there is nothing that this process could deliver. */
  get empty(): boolean {
    return this.available().length === 0;
  }

  /** The `source` of each killed process's closing event; the caller removes its file with `forget`. */
  orphans(): { name: string; source: Source }[] {
    const found: { name: string; source: Source }[] = [];
    for (const name of fs.readdirSync(this.directory).sort()) {
      const parts = MARK.exec(name);
      if (!parts || isRunning(Number(parts[2]))) continue;
      try {
        const data = fs.readFileSync(path.join(this.directory, name));
        const who = JSON.parse(data.toString("utf8", 10, 10 + data.readUInt16LE(8))) as Source;
        const source = sourceOf(who.instance, who.epoch, Number(data.readBigUInt64LE(0)));
        found.push({ name, source });
      } catch {
        // Killed while it made the file: it had not numbered anything yet.
        this.forget(name);
      }
    }
    return found;
  }

  /** Removes a file of the directory. */
  forget(name: string): void {
    fs.rmSync(path.join(this.directory, name), { force: true });
  }

  private write(text: string): void {
    const file = path.join(this.directory, this.segmentFor(Buffer.byteLength(text)));
    const descriptor = fs.openSync(file, "a", 0o600);
    try {
      fs.writeSync(descriptor, text);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  private segmentFor(size: number): string {
    if (this.writing) {
      const stat = fs.statSync(path.join(this.directory, this.writing), { throwIfNoEntry: false });
      if (stat && stat.size + size <= SEGMENT_BYTES) return this.writing;
    }
    segmentsMade += 1;
    const name = `${String(Date.now()).padStart(15, "0")}-${process.pid}-${segmentsMade}.ndjson`;
    this.own.add(name);
    this.writing = name;
    return name;
  }

  private available(): string[] {
    return fs
      .readdirSync(this.directory)
      .filter((name) => {
        const parts = SEGMENT.exec(name);
        return parts && (this.own.has(name) || !isRunning(Number(parts[2])));
      })
      .sort();
  }

  private bytesOnDisk(): number {
    let total = 0;
    for (const name of fs.readdirSync(this.directory)) {
      if (!SEGMENT.test(name)) continue;
      total += fs.statSync(path.join(this.directory, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return total;
  }
}

/**
 * How far this process has counted. When it is killed, a later one sends a closing event with the next number, so that
 * even the last lost events show as a gap.
 */
export class Mark {
  private readonly file: string;
  private readonly descriptor: number;
  private readonly number = Buffer.alloc(8);

  constructor(directory: string, queue: Queue) {
    this.file = path.join(directory, `${queue.epoch}-${process.pid}.mark`);
    this.descriptor = fs.openSync(this.file, "wx", 0o600);
    const who = Buffer.from(JSON.stringify({ instance: queue.instance, epoch: queue.epoch }));
    const head = Buffer.alloc(10);
    head.writeUInt16LE(who.length, 8);
    fs.writeSync(this.descriptor, Buffer.concat([head, who]), 0, 10 + who.length, 0);
  }

  /** The numbering has advanced. One small write into the page cache, which outlives the process. */
  note(next: number): void {
    this.number.writeBigUInt64LE(BigInt(next));
    fs.writeSync(this.descriptor, this.number, 0, 8, 0);
  }

  /** A clean end: nothing to tell. */
  remove(): void {
    fs.closeSync(this.descriptor);
    fs.rmSync(this.file, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function encode(line: Line): string {
  const document = `${line.path} ${line.key ?? "-"} ${line.body}`;
  return `${crc32(Buffer.from(document)).toString(16).padStart(8, "0")} ${document}\n`;
}

function decode(text: string): { lines: Line[]; torn: number } {
  const lines: Line[] = [];
  let torn = 0;
  for (const raw of text.split("\n")) {
    if (!raw) continue;
    const parts = /^([0-9a-f]{8}) ((\S+) (\S+) (.*))$/.exec(raw);
    if (!parts || crc32(Buffer.from(parts[2] as string)) !== Number.parseInt(parts[1] as string, 16)) {
      torn += 1;
      continue;
    }
    const [, , , linePath, key, body] = parts as unknown as string[];
    lines.push({
      path: linePath as string,
      key: key === "-" ? undefined : key,
      body: body as string,
      size: 0,
    });
  }
  return { lines, torn };
}

// Sound: pieces played as they come, the WAV of the whole, and the picture of it.

/** Plays 16-bit pieces one behind the other, from the first on. */
export class LivePlayer {
  constructor(rate) {
    this.context = new AudioContext();
    this.rate = rate;
    this.next = 0;
  }

  play(samples) {
    if (!samples.length || this.context.state === "closed") return;
    const buffer = this.context.createBuffer(1, samples.length, this.rate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    this.next = Math.max(this.next, this.context.currentTime + 0.05);
    source.start(this.next);
    this.next += buffer.duration;
  }

  /** Resolves when all is heard. */
  async end() {
    const left = this.next - this.context.currentTime;
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, 1000 * left));
    this.stop();
  }

  stop() {
    if (this.context.state !== "closed") this.context.close();
  }
}

export function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

export function joined(pieces) {
  const all = new Int16Array(pieces.reduce((count, piece) => count + piece.length, 0));
  let place = 0;
  for (const piece of pieces) {
    all.set(piece, place);
    place += piece.length;
  }
  return all;
}

export function wav(samples, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const text = (place, value) => [...value].forEach((c, i) => header.setUint8(place + i, c.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, 2 * samples.length, true);
  return new Blob([header, samples], { type: "audio/wav" });
}

const PIXELS_PER_SECOND = 160;
const WIDEST = 12000; // beyond that browsers draw nothing
const HEIGHT = 90;
const MARKS = 34;

/** Draws a waveform, with the phones below it. */
export function draw(canvas, samples, rate, sentences) {
  const seconds = samples.length / rate;
  const width = Math.round(
    Math.max(canvas.parentElement.clientWidth, Math.min(WIDEST, seconds * PIXELS_PER_SECOND)),
  );
  const scale = Math.min(window.devicePixelRatio || 1, WIDEST / width);
  canvas.width = width * scale;
  canvas.height = (HEIGHT + MARKS) * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT + MARKS}px`;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  pen.scale(scale, scale);
  pen.fillStyle = style.color;
  const step = samples.length / width;
  for (let x = 0; x < width; x++) {
    let low = 0;
    let high = 0;
    const end = Math.min(samples.length, Math.ceil((x + 1) * step));
    for (let i = Math.floor(x * step); i < end; i++) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    const top = HEIGHT / 2 - (high / 32768) * (HEIGHT / 2);
    pen.fillRect(x, top, 1, Math.max(1, ((high - low) / 65536) * HEIGHT));
  }
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  const place = (time) => (time / seconds) * width;
  const lines = { phones: { y: HEIGHT + 14, free: 0 }, words: { y: HEIGHT + 29, free: 0 } };
  const write = (line, text, start, end) => {
    const middle = (place(start) + place(end)) / 2;
    const half = pen.measureText(text).width / 2;
    if (middle - half < line.free) return; // it would stand on the one before
    line.free = middle + half + 2;
    pen.fillText(text, middle, line.y);
  };
  for (const sentence of sentences) {
    for (const { phone, start, end } of sentence.phones) {
      pen.globalAlpha = 0.35;
      pen.fillRect(place(start), 0, 1, HEIGHT + 6);
      pen.globalAlpha = 1;
      write(lines.phones, phone, start, end);
    }
    for (const { text, start, end } of sentence.words) write(lines.words, text, start, end);
  }
}

// Text as UTF-8 and back: QuickJS has no TextEncoder.

export function encode(text) {
  const bytes = [];
  for (const char of text) {
    const code = char.codePointAt(0);
    // A lone surrogate is no character: U+FFFD stands for it, as everywhere.
    append(bytes, code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
  }
  return Uint8Array.from(bytes);
}

function append(bytes, code) {
  if (code < 0x80) bytes.push(code);
  else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
  else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
  else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
}

const tail = (code) => 0x80 | (code & 0x3f);

/** Code units that `String.fromCharCode` takes at a time: each is an argument, on the stack. */
const CHUNK = 4096;

/** What is no UTF-8 becomes U+FFFD. */
export function decode(bytes) {
  let text = "";
  let units = [];
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = sequence(bytes, at);
    at += length;
    if (code > 0xffff) units.push(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
    else units.push(code);
    if (units.length >= CHUNK) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

const BROKEN = [0xfffd, 1];
/** The least code of a sequence of that many bytes: a longer form of a smaller one is broken. */
const LEAST = [0, 0, 0x80, 0x800, 0x10000];

function sequence(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (!length || first >= 0xf8 || at + length > bytes.length) return BROKEN;
  let code = first & (0xff >> (length + 1));
  for (let next = at + 1; next < at + length; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return BROKEN;
    code = (code << 6) | (bytes[next] & 0x3f);
  }
  const isCharacter = code >= LEAST[length] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? [code, length] : BROKEN;
}

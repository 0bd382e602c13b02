// The client under test, and what the tests share.

import { readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);
export const client = await import(new URL("Sources/SpacetimeServer/Client/Library/client.js", root));
export const react = await import(new URL("Sources/SpacetimeServer/Client/Library/react.js", root));
export const vectors = (path) => JSON.parse(readFileSync(new URL(`Tests/${path}`, root), "utf8"));

export const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Numbers that follow from a seed. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (count) => Math.floor(next() * count), chance: (part) => next() < part };
}

/** Waits until something holds; what is waited for long is wrong, and not just late. */
export async function until(condition, what = condition.toString()) {
  const end = Date.now() + 120_000;
  for (;;) {
    const value = condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

/** Lets everything that is ready happen. */
export const turn = () => new Promise((resolve) => { setTimeout(resolve, 0); });

/**
 * Base64 as Python's `b64decode` takes it, since it decides which signatures Glance accepts: characters outside the alphabet
 * are skipped (line breaks, but also `-` and `_`), and what follows complete padding is not looked at. Undefined for
 * what it refuses: not ASCII, or cut off.
 */
export function decodeBase64(text: string): Buffer | undefined {
	if (/[^\0-\x7f]/.test(text)) return undefined;
	let kept = '';
	let pads = 0;
	for (const [character] of text.matchAll(/[A-Za-z0-9+/=]/g)) {
		if (character !== '=') {
			kept += character;
			pads = 0;
		} else if (kept.length % 4 >= 2 && (kept.length % 4) + ++pads >= 4) return Buffer.from(kept, 'base64');
	}
	return kept.length % 4 === 0 ? Buffer.from(kept, 'base64') : undefined;
}

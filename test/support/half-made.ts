/** What a crash leaves of an upload: the driver's own note, as it is before the first byte. */

import { silentLog } from '#lib/log.ts';
import { hasTexts, openHalfMade } from '#store/drivers/half-made.ts';

export async function leaveNote(dir: string, ...contents: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
	await using halfMade = await openHalfMade<Readonly<Record<string, unknown>>>({
		dir,
		isWhat: (content) => hasTexts(content),
		takeAway: () => Promise.reject(new Error('the driver that could is gone')),
		log: silentLog,
	});
	for (const content of contents) await halfMade.begin(content);
}

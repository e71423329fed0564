/** Lists of Tempest's outcomes. */
export interface Outcome {
	readonly result: string;
	/** of a test, or `setUpClass (class)` where a whole class was skipped */
	readonly name: string;
	readonly reason: string;
}

/** outcome, name, seconds, reason: a line each, parted by tabs */
export function readOutcomes(text: string): readonly Outcome[] {
	const lines = text.split('\n').filter((line) => line !== '');
	return lines.map((line) => {
		const [result = '', name = '', , reason = ''] = line.split('\t');
		return { result, name, reason };
	});
}

/** Of the plugin for other policies only the skips are in the baseline. */
export function isRun({ name }: Outcome): boolean {
	return !name.includes('glance_tempest_plugin');
}

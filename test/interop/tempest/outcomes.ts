/** Lists of Tempest's outcomes, and what of it waits for a later release. */
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

const WAITING: readonly (readonly [RegExp, string])[] = [
	[/\.ImportImagesTest\.test_image_(glance|web)_download/, 'import from elsewhere comes with a later release'],
	[/\.ImportImagesTest\.test_remote_/, 'Tempest asks for a second worker here'],
	[/\.(ImportCopyImagesTest|MultiStoresImportImagesTest)\./, 'import to several stores comes with a later release'],
	[/\.ImageLocationsTest\./, 'locations come with a later release'],
];

/** Why a test of Tempest's is not expected to pass yet. */
export function reasonToWait(name: string): string | undefined {
	return WAITING.find(([pattern]) => pattern.test(name))?.[1];
}

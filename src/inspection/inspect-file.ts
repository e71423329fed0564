import { createReadStream } from 'node:fs';
import { ImageError } from '#domain/errors.ts';
import { judge } from '#domain/format-match.ts';
import type { Finding } from '#domain/ports/inspection.ts';
import { createInspector } from './inspector.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface FileReport extends Finding {
	/** why a node of default rules would refuse it; absent: it would not */
	readonly refusal?: string;
	/** it would be accepted, but this would be in the log */
	readonly warning?: string;
}

/** Reads a whole file. `diskFormat`: what a client would claim; absent: nothing that could be wrong. */
export async function inspectFile(path: string, diskFormat?: string): Promise<FileReport> {
	const inspector = createInspector();
	for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) inspector.feed(chunk);
	const finding = inspector.finish();
	return { ...finding, ...verdict(finding, diskFormat) };
}

function verdict(finding: Finding, diskFormat: string | undefined): Pick<FileReport, 'refusal' | 'warning'> {
	const rules = { requireMatch: true, gptChecksNotFatal: [], maxVirtualSize: Number.POSITIVE_INFINITY };
	try {
		const { warning } = judge({ diskFormat: diskFormat ?? 'raw', containerFormat: 'bare' }, finding, rules);
		return diskFormat === undefined || warning === undefined ? {} : { warning };
	} catch (error) {
		if (error instanceof ImageError) return { refusal: error.message };
		throw error;
	}
}

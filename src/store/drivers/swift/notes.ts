/** What this node has begun to write, on its own disk: so that a crash leaves nothing behind that nobody knows of. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '#lib/durable.ts';

export interface UploadNote {
	readonly key: string;
	readonly container: string;
	/** id, when it is another project's account than the store's own */
	readonly project?: string;
	/** what its objects bear: those of others, of the same name, bear another */
	readonly mark: string;
	/** The upload failed and nobody has its location: whatever bears the mark goes, a finished object too. */
	readonly failed: boolean;
}

export interface Notes {
	/** Durable when it resolves. */
	keep(note: UploadNote): Promise<void>;
	/** Durable when it resolves; not being there is fine. */
	drop(note: UploadNote): Promise<void>;
	all(): Promise<readonly UploadNote[]>;
}

const FILE = /^[0-9a-f-]{36}\.json$/;

export async function openNotes(dir: string): Promise<Notes> {
	await mkdir(dir, { recursive: true, mode: 0o700 });
	const pathOf = ({ mark }: { readonly mark: string }) => join(dir, `${mark}.json`);
	return {
		async keep(note) {
			const draft = `${pathOf(note)}.part`;
			await writeDurably(draft, JSON.stringify(note));
			await rename(draft, pathOf(note));
			await syncDirectory(dir);
		},
		async drop(note) {
			await rm(pathOf(note), { force: true });
			// a note that came back after a loss of power would undo a finished upload
			await syncDirectory(dir);
		},
		async all() {
			const names = (await readdir(dir)).filter((name) => FILE.test(name));
			const notes = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
			return notes.map((content) => JSON.parse(content) as UploadNote);
		},
	};
}

async function writeDurably(path: string, content: string): Promise<void> {
	const file = await open(path, 'w', 0o600);
	try {
		await file.writeFile(content);
		await file.sync();
	} finally {
		await file.close();
	}
}

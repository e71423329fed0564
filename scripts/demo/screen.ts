/** What the demo shows: bars that move on a terminal, plain lines anywhere else. */
const BAR_CHARS = 28;
const REDRAW_MS = 80;
const MIB = 1024 * 1024;

export interface Screen {
	/** one step of the story */
	title(text: string): void;
	note(text: string): void;
	bar(label: string, total: number): Bar;
	table(rows: readonly Readonly<Record<string, string>>[]): void;
}

export interface Bar {
	at(bytes: number): void;
	done(note: string): void;
	failed(): void;
}

export function createScreen(out: NodeJS.WriteStream): Screen {
	const colour = out.isTTY && !process.env.NO_COLOR;
	const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
	let step = 0;

	return {
		title: (text) => void out.write(`\n${paint(1, `${++step}. ${text}`)}\n`),
		note: (text) => void out.write(`   ${text.replaceAll('\n', '\n   ')}\n`),
		bar(label, total) {
			let drawnAt = 0;
			let now = 0;
			const draw = () => {
				const share = total === 0 ? 1 : Math.min(1, now / total);
				const full = Math.round(share * BAR_CHARS);
				out.write(
					`\r\x1b[K   ${label} ${paint(33, '█'.repeat(full))}${'░'.repeat(BAR_CHARS - full)} ${String(Math.round(share * 100)).padStart(3)} %`,
				);
			};
			if (out.isTTY) draw();
			return {
				at(bytes) {
					now = bytes;
					const time = performance.now();
					if (!out.isTTY || time - drawnAt < REDRAW_MS) return;
					drawnAt = time;
					draw();
				},
				done(note) {
					now = total;
					if (out.isTTY) draw();
					out.write(out.isTTY ? `  ${note}\n` : `   ${label}: ${note}\n`);
				},
				failed() {
					out.write(out.isTTY ? `  ${paint(31, 'failed')}\n` : `   ${label}: failed\n`);
				},
			};
		},
		table(rows) {
			const columns = Object.keys(rows[0] ?? {});
			const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column]?.length ?? 0)));
			const line = (cells: readonly string[]) =>
				cells
					.map((cell, index) => cell.padEnd(widths[index] ?? 0))
					.join('  ')
					.trimEnd();
			out.write(`\n${paint(1, line(columns))}\n`);
			for (const row of rows) out.write(`${line(columns.map((column) => row[column] ?? ''))}\n`);
		},
	};
}

export function mebibytes(bytes: number): string {
	if (bytes === 0) return '0';
	return bytes < MIB ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

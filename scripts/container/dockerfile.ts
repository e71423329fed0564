/** Reads a Dockerfile as far as ours needs it: stages of instructions, continuation lines, flags, exec forms. */

export interface Instruction {
	/** upper case */
	readonly name: string;
	/** `--from=build` → from: build */
	readonly flags: Readonly<Record<string, string>>;
	/** what follows the flags, on one line */
	readonly rest: string;
	readonly line: number;
}

export interface Stage {
	readonly image: string;
	readonly name: string | undefined;
	readonly instructions: readonly Instruction[];
}

export function parseDockerfile(text: string): readonly Stage[] {
	const stages: { image: string; name: string | undefined; instructions: Instruction[] }[] = [];
	for (const instruction of instructionsOf(text)) {
		if (instruction.name === 'FROM') {
			const [image = '', , name] = instruction.rest.split(/\s+/);
			stages.push({ image, name, instructions: [] });
		} else stages.at(-1)?.instructions.push(instruction);
	}
	return stages;
}

function instructionsOf(text: string): readonly Instruction[] {
	const found: Instruction[] = [];
	let pending = '';
	let start = 0;
	for (const [index, line] of text.split('\n').entries()) {
		if (/^\s*(#|$)/.test(line)) continue;
		if (pending === '') start = index + 1;
		pending += line.replace(/\\$/, ' ');
		if (line.endsWith('\\')) continue;
		found.push(instructionOf(pending.trim(), start));
		pending = '';
	}
	return found;
}

function instructionOf(text: string, line: number): Instruction {
	const [, name = '', after = ''] = /^(\w+)\s+(.*)$/s.exec(text) ?? [];
	const flags: Record<string, string> = {};
	const rest = after.replace(/^(?:--[\w-]+=\S+\s+)+/, (all) => {
		for (const [, flag = '', value = ''] of all.matchAll(/--([\w-]+)=(\S+)/g)) flags[flag] = value;
		return '';
	});
	return { name: name.toUpperCase(), flags, rest: rest.replaceAll(/\s+/g, ' ').trim(), line };
}

/** The words of an exec form; undefined for anything else. */
export function execForm(text: string): readonly string[] | undefined {
	try {
		const words: unknown = JSON.parse(text);
		return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
	} catch {
		return undefined;
	}
}

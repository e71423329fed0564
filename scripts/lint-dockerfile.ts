/** Checks the Dockerfile against the rules that matter here; a complaint is `Dockerfile:LINE: what is wrong`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execForm, type Instruction, parseDockerfile, type Stage } from './container/dockerfile.ts';

const ROOT = dirname(import.meta.dirname);
const SHIPPED = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
	.split('\n')
	.filter((line) => line.startsWith('!'))
	.map((line) => line.slice(1));

const complaints: string[] = [];
const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const last = stages.at(-1);
if (stages.length < 2 || last === undefined) complain(1, 'a build stage and a final stage are needed');
for (const stage of stages) checkStage(stage);
if (last !== undefined) checkFinal(last);
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length === 0) process.stdout.write(`Dockerfile: ${stages.length} stages, nothing to complain about\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;

function complain(line: number, what: string): void {
	complaints.push(`Dockerfile:${line}: ${what}`);
}

function checkStage({ image, instructions }: Stage): void {
	if (!/^[\w.-]+\.[\w.-]+\/.+:[\w.-]+$/.test(image) || image.endsWith(':latest'))
		complain(1, `${image} must name its registry and a tag other than latest`);
	for (const instruction of instructions) {
		if (instruction.name === 'ADD') complain(instruction.line, 'COPY says what ADD may mean');
		if (instruction.name === 'COPY') checkCopy(instruction);
		if (instruction.name === 'RUN') checkRun(instruction);
		if (['CMD', 'ENTRYPOINT'].includes(instruction.name) && execForm(instruction.rest) === undefined)
			complain(instruction.line, `${instruction.name} needs the exec form: a shell would swallow signals`);
	}
}

function checkCopy({ flags, rest, line }: Instruction): void {
	const sources = rest.split(' ').slice(0, -1);
	if (flags.from !== undefined) {
		if (!stages.some(({ name }) => name === flags.from)) complain(line, `there is no stage ${flags.from}`);
		return;
	}
	for (const source of sources) {
		if (!existsSync(join(ROOT, source))) complain(line, `${source} does not exist`);
		if (!SHIPPED.includes(source)) complain(line, `.dockerignore leaves out ${source}`);
	}
}

function checkRun({ rest, line }: Instruction): void {
	if (/\bnpm (ci|install|i)\b/.test(rest) && !/\bnpm ci\b.*--ignore-scripts/.test(rest))
		complain(line, 'packages come by npm ci --ignore-scripts');
	if (/apt-get install/.test(rest) && !/--no-install-recommends/.test(rest))
		complain(line, 'apt-get install needs --no-install-recommends');
	if (/apt-get install/.test(rest) && !/rm -rf \/var\/lib\/apt\/lists/.test(rest))
		complain(line, 'the package lists must be removed in the same step');
	if (/\b(sudo|curl|wget)\b/.test(rest)) complain(line, 'nothing is fetched beside the package managers');
}

function checkFinal({ instructions }: Stage): void {
	const only = (name: string): Instruction | undefined => {
		const found = instructions.filter((instruction) => instruction.name === name);
		if (found.length !== 1) complain(found[1]?.line ?? 1, `the final stage needs exactly one ${name}`);
		return found[0];
	};
	const user = only('USER');
	if (user !== undefined && !/^[1-9]\d*:[1-9]\d*$/.test(user.rest))
		complain(user.line, 'USER must be numeric and not root, so that an orchestrator can check it');
	const health = only('HEALTHCHECK');
	if (health !== undefined && execForm(health.rest.replace(/^CMD /, '')) === undefined)
		complain(health.line, 'HEALTHCHECK needs the exec form: the image may have no shell');
	for (const name of ['ENTRYPOINT', 'CMD', 'VOLUME', 'EXPOSE']) only(name);
	for (const { name, rest, line } of instructions)
		if (name === 'ENV' && /TOKEN|SECRET|PASSWORD|JOIN/.test(rest)) complain(line, 'a secret has no place in an image');
}

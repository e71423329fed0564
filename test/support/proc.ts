/** What Linux knows of a running process. */
import { readdirSync, readFileSync } from 'node:fs';

const KIB = 1024;
/** USER_HZ: fixed at 100 by the kernel's ABI on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** bytes */
export function residentBytes(pid: number): number {
	return statusKiB(pid, 'VmRSS') * KIB;
}

/** bytes, the most it ever was */
export function peakResidentBytes(pid: number): number {
	return statusKiB(pid, 'VmHWM') * KIB;
}

/** User and system CPU seconds of all threads so far, children not counted. */
export function cpuSeconds(pid: number): number {
	const fields = statFields(pid);
	return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** One letter: R running, S sleeping, T stopped, Z zombie. */
export function processState(pid: number): string {
	return statFields(pid)[0] ?? '';
}

/** The process and all that descend from it, as of now. */
export function processTree(pid: number): readonly number[] {
	const threads = readdirSync(`/proc/${pid}/task`);
	const children = threads.flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '));
	return [pid, ...children.filter(Boolean).map(Number).flatMap(processTree)];
}

function statusKiB(pid: number, name: string): number {
	const line = readFileSync(`/proc/${pid}/status`, 'utf8')
		.split('\n')
		.find((text) => text.startsWith(`${name}:`));
	return Number(line?.match(/\d+/)?.[0] ?? 0);
}

/** The fields of /proc/PID/stat after the name, which may itself hold spaces and brackets. */
function statFields(pid: number): string[] {
	const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
	return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

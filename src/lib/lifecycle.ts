/** A part that lives between `start` and disposal. The order of start is the order in `node.ts`. */
export interface Lifecycle extends AsyncDisposable {
	start(signal: AbortSignal): Promise<void>;
}

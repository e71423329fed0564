/** What happened to an image, in Glance's event names (image.create, image.upload, …). */
import type { Image } from './image.ts';

export type ImageEvent = {
	readonly requestId: string;
	/** UTC milliseconds */
	readonly at: number;
	readonly priority: 'info' | 'error';
} & (
	| {
			readonly type: 'image.create' | 'image.update' | 'image.delete' | 'image.prepare' | 'image.upload' | 'image.activate';
			readonly image: Image;
	  }
	| { readonly type: 'image.upload.failed'; readonly image: Image; readonly reason: string }
	| {
			readonly type: 'image.send';
			readonly image: Image;
			readonly bytesSent: number;
			readonly bytesExpected: number;
			readonly receiverProject: string | null;
			readonly receiverUser: string | null;
	  }
);

/** What happened, in Glance's event names (image.create, task.run, metadef_tag.delete, …). */
import type { Image, ImageId } from './image.ts';
import type { Member } from './member.ts';
import type { MetadefNamespace, MetadefObject, MetadefProperty, MetadefTag, ResourceTypeAssociation } from './metadef.ts';
import type { Task } from './task.ts';

export type DomainEvent = Circumstances & (ImageEvent | MemberEvent | TaskEvent | MetadefEvent);

export interface Circumstances {
	readonly requestId: string;
	/** who caused it; null for the node itself */
	readonly project: string | null;
	readonly user: string | null;
	/** UTC milliseconds */
	readonly at: number;
	readonly priority: 'info' | 'error';
}

export type ImageEvent =
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
	  };

export interface MemberEvent {
	readonly type: 'image.member.create' | 'image.member.update' | 'image.member.delete';
	readonly imageId: ImageId;
	readonly member: Member;
}

export interface TaskEvent {
	readonly type: 'task.create' | 'task.run' | 'task.processing' | 'task.success' | 'task.failure' | 'task.delete';
	readonly task: Task;
}

/** `nameBefore`: the name that an update replaced. */
export type MetadefEvent =
	| {
			readonly type: `metadef_namespace.${'create' | 'update' | 'delete' | 'delete_objects' | 'delete_properties' | 'delete_tags'}`;
			readonly namespace: MetadefNamespace;
			readonly nameBefore?: string;
	  }
	| {
			readonly type: `metadef_object.${'create' | 'update' | 'delete'}`;
			readonly namespace: string;
			readonly object: MetadefObject;
			readonly nameBefore?: string;
	  }
	| {
			readonly type: `metadef_property.${'create' | 'update' | 'delete'}`;
			readonly namespace: string;
			readonly property: MetadefProperty;
			readonly nameBefore?: string;
	  }
	| {
			readonly type: `metadef_tag.${'create' | 'update' | 'delete'}`;
			readonly namespace: string;
			readonly tag: MetadefTag;
			readonly nameBefore?: string;
	  }
	| {
			readonly type: `metadef_resource_type.${'create' | 'delete'}`;
			readonly namespace: string;
			readonly association: ResourceTypeAssociation;
	  };

export type { BuildOptions } from './build.ts';
export { buildImage } from './build.ts';
export type { Architecture, ImageConfig, ImageSource } from './oci-archive.ts';
export { fullImageName, writeOciArchive } from './oci-archive.ts';
export { pauseImage, pauseImageName } from './pause.ts';
export type { ImageSpec } from './spec.ts';
export { ImageSpecError, parseImageSpec } from './spec.ts';

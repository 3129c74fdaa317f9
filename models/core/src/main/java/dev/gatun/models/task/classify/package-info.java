/**
 * Pictures in, labels out: finds the architecture of a checkpoint, decodes and prepares pictures, runs them on every core. May
 * import {@code vision}, {@code image}, {@code weights} and every image architecture. Adding an architecture: a case
 * in {@link dev.gatun.models.task.classify.VisionCheckpoint}.
 */
package dev.gatun.models.task.classify;

/**
 * Pictures in, labels out: finds the architecture of a checkpoint, decodes and prepares pictures, runs them on every core. Imports
 * {@code vision}, {@code image}, {@code checkpoint} and every family of images. Adding one: a case in {@code VisionCheckpoint}.
 */
package dev.gatun.models.task.classify;

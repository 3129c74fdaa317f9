/**
 * Speech to text: recordings, or streams of samples, to segments with their times. Imports {@code family.whisper}, {@code audio},
 * {@code runtime} and {@code checkpoint}.
 */
package dev.gatun.models.task.speech;

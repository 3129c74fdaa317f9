package dev.gatun.models.task.text;

/**
 * A label and how well it fits.
 *
 * @param name  as the folder, or the caller, calls it
 * @param index of its class, or in the caller's list
 * @param score from 0 to 1, or what the model says as it is where that is the answer
 */
public record Label(String name, int index, float score) {
}

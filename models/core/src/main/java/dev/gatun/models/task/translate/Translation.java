package dev.gatun.models.task.translate;

/**
 * One answer.
 *
 * @param text  generated
 * @param score log-probability of its tokens divided by tokens ** lengthPenalty: nearer to 0 is surer
 */
public record Translation(String text, double score) {
}

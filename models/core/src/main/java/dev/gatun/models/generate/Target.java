package dev.gatun.models.generate;

/**
 * What all sequences of a source have in common.
 *
 * @param source    its index
 * @param sourceIds its tokens, or none
 * @param prompt    what every sequence begins with
 * @param maxLength tokens at which a sequence ends, those of the prompt included
 * @param begin     length at which the first token is chosen freely
 * @param eos       tokens that end a sequence
 */
record Target(int source, int[] sourceIds, int[] prompt, int maxLength, int begin, int[] eos) {
}

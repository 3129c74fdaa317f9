/**
 * BART and what was trained with its code: mBART, MarianMT, Pegasus, M2M100 and NLLB. One set of tensor names; what differs is a {@link
 * dev.gatun.models.family.bart.BartKind}. Imports {@code seq2seq}, {@code encode}, {@code layer} and {@code checkpoint}.
 */
package dev.gatun.models.family.bart;

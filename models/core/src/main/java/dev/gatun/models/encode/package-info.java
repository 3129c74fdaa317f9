/**
 * Text encoders of any family with what follows their last layer: token ids to a row for each text, or for each token.
 * {@code Encoder} holds a program, {@code EncoderSession} executes it for one caller. Imports {@code layer} and {@code runtime}.
 */
package dev.gatun.models.encode;

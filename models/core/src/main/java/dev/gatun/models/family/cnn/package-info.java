/**
 * The textbook CNN: two convolutions and two linear layers. May import {@code vision}, {@code weights} and the tensor module.
 */
package dev.gatun.models.family.cnn;

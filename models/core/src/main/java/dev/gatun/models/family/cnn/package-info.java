/** The textbook CNN: two convolutions and two linear layers. Imports {@code vision}, {@code checkpoint} and the tensor module. */
package dev.gatun.models.family.cnn;

/**
 * Networks of recurrent layers: language models with PyTorch's names, and sessions that take their input piece by piece.
 * Imports {@code checkpoint} and {@code runtime}; nothing of another family.
 */
package dev.gatun.models.family.recurrent;

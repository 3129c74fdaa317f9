/**
 * Networks of recurrent layers: language models with PyTorch's names, taggers, forecasters, and sessions that take their input piece by
 * piece. May import {@code layer}, {@code checkpoint}, {@code runtime}; nothing of another family.
 */
package dev.gatun.models.family.recurrent;

/**
 * Arrays in files: NumPy's {@code .npy}. Imports no model.
 */
package dev.gatun.models.io;

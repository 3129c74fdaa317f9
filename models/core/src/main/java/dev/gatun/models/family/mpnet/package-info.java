/** MPNet: its config and the names of its tensors. Imports {@code encode}, {@code layer} and {@code checkpoint}. */
package dev.gatun.models.family.mpnet;

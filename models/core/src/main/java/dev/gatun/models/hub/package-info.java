/**
 * Models by their names in the local cache of the Hugging Face hub. Nothing is downloaded here: that is {@code gatun pull}. Imports nothing
 * of Gatun.
 */
package dev.gatun.models.hub;

/**
 * Texts: tokenizers over well-kept libraries, and strict reading of UTF-8 lines. Imports no model.
 */
package dev.gatun.models.tokenize;

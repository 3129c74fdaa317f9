/**
 * BERT-family encoders: token ids to one vector a text. {@code BertConfig} mirrors config.json,
 * {@code Encoder} holds packed weights and compiled plans, {@code EncoderSession} executes them for
 * one caller. May import the tensor modules and {@code models.weights}.
 */
package dev.gatun.models.family.bert;

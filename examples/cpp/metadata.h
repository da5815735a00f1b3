// What a model in one file states about itself, see "LiteRT and ONNX" in docs/formats.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fitting.h"

// Return the integer after `"name":` in a JSON document that has the name once, as those
// that an export writes have. Throws std::runtime_error: it is not there, or twice.
int number_in_json(const std::string& json, const std::string& name);

// Return the settings of the image in a config.json.
ImageSettings read_image_settings(const std::string& config);

// Characters of a charset.txt, a line each, in UTF-8: what the token ids from 4 on stand for.
std::vector<std::string> read_characters(const std::string& charset);

// Spell token ids, up to the first end token.
std::string spell(const std::vector<std::string>& characters, const std::int32_t* token_ids,
                  std::int64_t num_tokens);

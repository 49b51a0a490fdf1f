/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/image.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/octets.h"

#include "zone/image_format.h"
#include "zone/nsec3.h"

uint64_t
image_key_check(const struct name_hash_key *key)
{
	static const uint8_t name[] = "\x0asecondaryd\x05image";

	return name_hash(name, key);
}

uint64_t
image_denial_key(const uint8_t *octets, size_t len)
{
	uint8_t first[8] = {0};

	memcpy(first, octets, len < sizeof(first) ? len : sizeof(first));
	return get_u64(first);
}

void
image_seal_header(struct image_header *h, const uint64_t *blocks)
{
	h->blocks_sum = checksum64(CHECKSUM_START, blocks,
				   h->block_count * sizeof(*blocks));
	h->sum =
	    checksum64(CHECKSUM_START, h, offsetof(struct image_header, sum));
}

/* Do `count` things of `size` octets fill what is between two offsets? */
static bool
is_section(uint64_t from, uint64_t to, uint64_t count, uint64_t size)
{
	return from <= to && to % 8 == 0 && count <= (to - from) / size &&
	       to - from - count * size < 8;
}

static bool
header_fits(const struct image_header *h, uint64_t len)
{
	uint64_t keys = h->denial_keys, count = h->denial_count;
	uint64_t covered;

	if (h->len != len || len > IMAGE_LEN_MAX || keys > len / 8 ||
	    h->node_count == 0 || h->node_count > IMAGE_NODES_MAX ||
	    h->nodes_end <= sizeof(*h) || h->nodes_end % 8 != 0 ||
	    h->nodes_end != h->denial_at || h->denial_at > len ||
	    h->hash_slots == 0 || h->hash_slots > h->hash_count ||
	    h->hash_slots > UINT32_MAX) {
		return false;
	}
	switch (h->denial) {
	case IMAGE_UNSIGNED:
		if (keys != 0 || count != 0) {
			return false;
		}
		break;
	case IMAGE_NSEC:
		if (count == 0 || keys != (count - 1) / IMAGE_FENCE_STEP + 1) {
			return false;
		}
		break;
	case IMAGE_NSEC3:
		/* A layer may have none: the apex is not in its own chain. */
		if (keys != count) {
			return false;
		}
		break;
	default:
		return false;
	}
	covered = h->blocks_at - sizeof(*h);
	return is_section(h->denial_at + keys * 8, h->hash_at, count, 4) &&
	       is_section(h->hash_at, h->blocks_at, h->hash_count, 8) &&
	       is_section(h->blocks_at, len, h->block_count, 8) &&
	       h->block_count == (covered - 1) / IMAGE_BLOCK_LEN + 1;
}

static bool
block_matches(const struct image *im, uint64_t i)
{
	const uint64_t *sums = image_at(im, im->head->blocks_at);
	uint64_t at = sizeof(*im->head) + i * IMAGE_BLOCK_LEN;
	uint64_t left = im->head->blocks_at - at;
	size_t len = left < IMAGE_BLOCK_LEN ? (size_t)left : IMAGE_BLOCK_LEN;

	return checksum64(CHECKSUM_START, im->base + at, len) == sums[i];
}

/* Check the header and the index, and remember where things are. */
static int
load_index(struct image *im, const struct name_hash_key *key)
{
	const struct image_header *h = image_at(im, 0);
	uint64_t i;

	if (im->len < sizeof(*h) || memcmp(h->magic, IMAGE_MAGIC, 8) != 0 ||
	    h->byte_order != IMAGE_BYTE_ORDER ||
	    h->sum != checksum64(CHECKSUM_START, h,
				 offsetof(struct image_header, sum)) ||
	    h->key_check != image_key_check(key) || !header_fits(h, im->len) ||
	    h->blocks_sum != checksum64(CHECKSUM_START,
					image_at(im, h->blocks_at),
					h->block_count * sizeof(uint64_t))) {
		return SECD_EMALF;
	}
	im->head = h;
	im->nodes_end = h->nodes_end;
	im->hash = image_at(im, h->hash_at);
	im->hash_slots = h->hash_slots;
	im->hash_count = h->hash_count;
	im->denial = (enum image_denial)h->denial;
	im->denial_count = h->denial_count;
	im->denial_key = image_at(im, h->denial_at);
	im->denial_at = image_at(im, h->denial_at + h->denial_keys * 8);
	/* The first block is of the apex, which is read now. */
	if (!block_matches(im, 0)) {
		return SECD_EMALF;
	}
	i = (h->nodes_end - sizeof(*h)) / IMAGE_BLOCK_LEN;
	for (; i < h->block_count; i++) {
		if (!block_matches(im, i)) {
			return SECD_EMALF;
		}
	}
	return SECD_OK;
}

static int
load_apex(struct image *im, uint8_t apex[NAME_LEN_MAX])
{
	const struct node *n = image_node_at(im, sizeof(struct image_header));
	uint8_t key[NAME_KEY_MAX];

	if (n == NULL || (n->flags & NODE_APEX) == 0 ||
	    !node_verify(
		n, (size_t)(im->nodes_end - sizeof(struct image_header))) ||
	    node_find(n, RR_TYPE_SOA) == NULL ||
	    node_find(n, RR_TYPE_SOA)->count != 1) {
		return SECD_EMALF;
	}
	im->apex_node = n;
	name_lower(n->owner, apex);
	im->key_len = (uint16_t)name_key(apex, key);
	if (im->denial == IMAGE_NSEC3 && !nsec3_params_of(n, &im->nsec3)) {
		return SECD_EMALF;
	}
	return SECD_OK;
}

/*
 * Make an image of the octets that the caller has put at `base`. On failure
 * memory, file and path are still the caller's.
 */
static int
load(const struct image *from, const struct name_hash_key *key,
     struct image **out)
{
	uint8_t apex[NAME_LEN_MAX];
	struct image im = *from, *made;
	int rc;

	im.base = im.memory;
	im.key = *key;
	rc = load_index(&im, key);
	if (rc == SECD_OK) {
		rc = load_apex(&im, apex);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	made = malloc(sizeof(*made) + im.apex_node->owner_len);
	if (made == NULL) {
		return SECD_ENOMEM;
	}
	*made = im;
	memcpy(made->apex, apex, im.apex_node->owner_len);
	atomic_init(&made->refs, 1);
	*out = made;
	return SECD_OK;
}

static int
map_file(int fd, struct image *im)
{
	struct stat st;
	void *memory;

	if (fstat(fd, &st) != 0) {
		return SECD_EIO;
	}
	if (!S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < sizeof(struct image_header) ||
	    (uint64_t)st.st_size > IMAGE_LEN_MAX) {
		return SECD_EMALF;
	}
	memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		return errno == ENOMEM ? SECD_ENOMEM : SECD_EIO;
	}
	im->memory = memory;
	im->len = (uint64_t)st.st_size;
	im->mapped = true;
	return SECD_OK;
}

int
image_open(const char *path, const struct name_hash_key *key, bool verify_all,
	   struct image **out)
{
	struct image from = {.fd = -1, .kept = true}, *im;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return errno == ENOENT ? SECD_ENOTFOUND : SECD_EIO;
	}
	rc = map_file(fd, &from);
	close(fd); /* the mapping keeps the file */
	if (rc != SECD_OK) {
		return rc;
	}
	from.path = strdup(path);
	rc = from.path == NULL ? SECD_ENOMEM : load(&from, key, &im);
	if (rc != SECD_OK) {
		free(from.path);
		munmap(from.memory, (size_t)from.len);
		return rc;
	}
	rc = verify_all ? image_verify(im) : SECD_OK;
	if (rc != SECD_OK) {
		image_unref(im);
		return rc;
	}
	*out = im;
	return SECD_OK;
}

int
image_from_octets(const uint8_t *octets, size_t len,
		  const struct name_hash_key *key, struct image **out)
{
	struct image from = {.fd = -1, .len = len};
	int rc;

	if (len < sizeof(struct image_header)) {
		return SECD_EMALF;
	}
	from.memory = malloc(len);
	if (from.memory == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(from.memory, octets, len);
	rc = load(&from, key, out);
	if (rc != SECD_OK) {
		free(from.memory);
	}
	return rc;
}

static int
take_file(struct stream *s, const struct name_hash_key *key, struct image **out)
{
	struct image from = {.fd = s->fd, .path = s->path};
	int rc;

	rc = stream_flush(s);
	if (rc == SECD_OK) {
		rc = map_file(s->fd, &from);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = load(&from, key, out);
	if (rc != SECD_OK) {
		munmap(from.memory, (size_t)from.len);
		return rc;
	}
	s->fd = -1;
	s->path = NULL;
	return SECD_OK;
}

int
image_take_stream(struct stream *s, const struct name_hash_key *key,
		  struct image **out)
{
	struct image from = {.fd = -1, .len = s->mem.len};
	uint8_t *fitting;
	int rc;

	if (s->fd >= 0) {
		return take_file(s, key, out);
	}
	/* A zone's image stays for long: give back what it does not need. */
	fitting = realloc(s->mem.data, s->mem.len);
	if (fitting == NULL) {
		return SECD_ENOMEM;
	}
	s->mem.data = fitting;
	s->mem.cap = s->mem.len;
	from.memory = fitting;
	rc = load(&from, key, out);
	if (rc == SECD_OK) {
		s->mem = (struct buf){0};
	}
	return rc;
}

struct image *
image_ref(struct image *im)
{
	atomic_fetch_add_explicit(&im->refs, 1, memory_order_relaxed);
	return im;
}

void
image_unref(struct image *im)
{
	if (im == NULL || atomic_fetch_sub_explicit(
			      &im->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	if (im->path != NULL && !im->kept) {
		unlink(im->path);
	}
	free(im->path);
	if (im->fd >= 0) {
		close(im->fd);
	}
	if (im->mapped) {
		munmap(im->memory, (size_t)im->len);
	} else {
		free(im->memory);
	}
	free(im);
}

static int
disk_error(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG
		   ? SECD_ENOSPC
		   : SECD_EIO;
}

static int
sync_file(struct image *im)
{
	if (im->fd < 0) {
		return SECD_OK;
	}
	if (fdatasync(im->fd) != 0) {
		/* A second call would report a success that is none. */
		im->unsynced = true;
		return disk_error();
	}
	close(im->fd);
	im->fd = -1;
	return SECD_OK;
}

static int
write_whole(const struct image *im, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0) {
		return disk_error();
	}
	rc = stream_pwrite(fd, im->memory, (size_t)im->len, 0);
	if (rc == SECD_OK && fdatasync(fd) != 0) {
		rc = disk_error();
	}
	close(fd);
	return rc;
}

/* Another file with the same octets, for one that is gone or in doubt. */
static int
rewrite_file(struct image *im, const char *path)
{
	int rc = image_verify(im) == SECD_OK ? SECD_OK : SECD_EIO;

	if (rc == SECD_OK && !im->kept) {
		unlink(im->path); /* the mapping still has it */
	}
	if (rc == SECD_OK) {
		rc = write_whole(im, path);
	}
	if (rc != SECD_OK) {
		unlink(path);
		return rc;
	}
	if (im->fd >= 0) {
		close(im->fd);
		im->fd = -1;
	}
	im->unsynced = false;
	return SECD_OK;
}

void
image_sync(struct image *im)
{
	(void)sync_file(im);
}

int
image_keep(struct image *im, const char *path)
{
	char *copy = strdup(path);
	int rc;

	assert(im->path != NULL);
	if (copy == NULL) {
		return SECD_ENOMEM;
	}
	rc = im->unsynced ? SECD_OK : sync_file(im);
	if (rc == SECD_OK &&
	    (im->unsynced ||
	     (im->kept ? link(im->path, path) : rename(im->path, path)) != 0)) {
		rc = rewrite_file(im, path);
	}
	if (rc != SECD_OK) {
		free(copy);
		return rc;
	}
	free(im->path);
	im->path = copy;
	im->kept = true;
	return SECD_OK;
}

const char *
image_kept_path(const struct image *im)
{
	return im->kept ? im->path : NULL;
}

void
image_unkeep(struct image *im)
{
	im->kept = false;
}

int
image_verify(const struct image *im)
{
	const struct node *n = NULL;
	uint64_t nodes = 0, records = 0;

	for (uint64_t i = 0; i < im->head->block_count; i++) {
		if (!block_matches(im, i)) {
			return SECD_EMALF;
		}
	}
	while ((n = image_next(im, n)) != NULL) {
		const struct rrset *s = node_rrsets(n);

		if (!node_verify(n, n->len)) {
			return SECD_EMALF;
		}
		for (unsigned i = 0; i < n->rrset_count; i++) {
			records += (uint64_t)s->count + s->sig_count;
			s = rrset_next(s);
		}
		nodes++;
	}
	for (uint64_t i = 0; i < im->denial_count; i++) {
		if (image_node_at(im, (uint64_t)im->denial_at[i] * 8) == NULL) {
			return SECD_EMALF;
		}
	}
	return nodes == im->head->node_count &&
		       records == im->head->record_count
		   ? SECD_OK
		   : SECD_EMALF;
}

const uint8_t *
image_octets(const struct image *im, size_t *len)
{
	*len = (size_t)im->len;
	return im->base;
}

bool
image_is_file(const struct image *im)
{
	return im->mapped;
}

const struct name_hash_key *
image_key(const struct image *im)
{
	return &im->key;
}

const uint8_t *
image_apex(const struct image *im)
{
	return im->apex;
}

uint32_t
image_serial(const struct image *im)
{
	return im->head->serial;
}

uint64_t
image_record_count(const struct image *im)
{
	return im->head->record_count;
}

uint64_t
image_node_count(const struct image *im)
{
	return im->head->node_count;
}

uint64_t
image_node_octets(const struct image *im)
{
	return im->nodes_end - sizeof(*im->head);
}

const struct node *
image_apex_node(const struct image *im)
{
	return im->apex_node;
}

enum image_denial
image_denial(const struct image *im)
{
	return im->denial;
}

const struct image_nsec3 *
image_nsec3(const struct image *im)
{
	return im->denial == IMAGE_NSEC3 ? &im->nsec3 : NULL;
}

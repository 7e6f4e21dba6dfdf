/* SPDX-License-Identifier: GPL-2.0-only */
/* The device of svm_gpu.c. */
#ifndef SVM_GPU_H
#define SVM_GPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SVM_GPU_NODE	"/dev/svm_gpu"

struct svm_gpu_map {
	__u64 start;
	__u64 length;
};

/* Map the range into the page table of the GPU. */
#define SVM_GPU_MAP	_IOW('S', 0x01, struct svm_gpu_map)

#endif /* SVM_GPU_H */

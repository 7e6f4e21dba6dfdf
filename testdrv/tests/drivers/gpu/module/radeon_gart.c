// SPDX-License-Identifier: GPL-2.0-only
/*
 * radeon_gart: a GPU for the stock radeon module on QEMU's ati-vga
 *
 * ati-vga has neither a command processor nor a GART. This module probes radeon:
 * r100_cp_init() returns 0, so that radeon keeps its GART, and the pages that
 * radeon_gart_bind() and radeon_gart_unbind() bind are noted. /dev/radeon_gart is memory as
 * the GPU would see it at the file position. A page that is not bound is ENXIO.
 */
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "pages.h"

#define GART_PAGES	(SZ_1G >> PAGE_SHIFT)

/* Protects what follows. The probes run with preemption disabled. */
static DEFINE_RAW_SPINLOCK(gart_lock);
/* The DMA address of each page, which is the physical address here; 0: not bound. */
static dma_addr_t *gart;

static unsigned long gart_offset;
module_param_named(offset, gart_offset, ulong, 0444);
MODULE_PARM_DESC(offset, "Where the last binding begins");

/* Bind the pages that have DMA addresses @addr, or unbind pages if @addr is NULL. */
static void gart_set(unsigned long offset, unsigned long nr_pages, const dma_addr_t *addr)
{
	unsigned long i, flags, first = offset >> PAGE_SHIFT;

	raw_spin_lock_irqsave(&gart_lock, flags);
	for (i = 0; i < nr_pages && first + i < GART_PAGES; i++)
		gart[first + i] = addr ? addr[i] : 0;
	if (addr)
		gart_offset = offset;
	raw_spin_unlock_irqrestore(&gart_lock, flags);
}

/* radeon_gart_bind(rdev, offset, pages, pagelist, dma_addr, flags) */
static int gart_bind(struct kprobe *probe, struct pt_regs *regs)
{
	gart_set((u32)regs_get_kernel_argument(regs, 1), (u32)regs_get_kernel_argument(regs, 2),
		 (const dma_addr_t *)regs_get_kernel_argument(regs, 4));
	return 0;
}

/* radeon_gart_unbind(rdev, offset, pages) */
static int gart_unbind(struct kprobe *probe, struct pt_regs *regs)
{
	gart_set((u32)regs_get_kernel_argument(regs, 1), (u32)regs_get_kernel_argument(regs, 2),
		 NULL);
	return 0;
}

static int cp_init_returns(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	regs_set_return_value(regs, 0);
	return 0;
}

static struct kprobe gart_probes[] = {
	{ .symbol_name = "radeon_gart_bind", .pre_handler = gart_bind },
	{ .symbol_name = "radeon_gart_unbind", .pre_handler = gart_unbind },
};

static struct kprobe *gart_probe_list[] = { &gart_probes[0], &gart_probes[1] };

static struct kretprobe cp_probe = {
	.kp.symbol_name = "r100_cp_init",
	.handler = cp_init_returns,
};

/*
 * radeon drops its reference to a page before it unbinds the page. But the process has the page
 * mapped until the callback returns, which waits for gart_lock in gart_unbind().
 */
static int gart_copy(struct file *file, u64 pos, void *buffer, size_t length, bool write)
{
	unsigned long flags;
	dma_addr_t addr;
	void *page;

	if (pos >> PAGE_SHIFT >= GART_PAGES)
		return -ENXIO;
	raw_spin_lock_irqsave(&gart_lock, flags);
	addr = gart[pos >> PAGE_SHIFT];
	page = phys_to_virt(addr + offset_in_page(pos));
	if (addr)
		memcpy(write ? page : buffer, write ? buffer : page, length);
	raw_spin_unlock_irqrestore(&gart_lock, flags);
	return addr ? 0 : -ENXIO;
}

static ssize_t gart_read(struct file *file, char __user *user, size_t length, loff_t *pos)
{
	return pages_transfer(file, user, length, *pos, false, gart_copy);
}

static ssize_t gart_write(struct file *file, const char __user *user, size_t length, loff_t *pos)
{
	return pages_transfer(file, (char __user *)user, length, *pos, true, gart_copy);
}

static const struct file_operations gart_fops = {
	.owner = THIS_MODULE,
	.read = gart_read,
	.write = gart_write,
};

static struct miscdevice gart_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "radeon_gart",
	.fops = &gart_fops,
	.mode = 0600,
};

static int __init gart_init(void)
{
	int ret;

	gart = vcalloc(GART_PAGES, sizeof(*gart));
	if (!gart)
		return -ENOMEM;
	ret = register_kprobes(gart_probe_list, ARRAY_SIZE(gart_probe_list));
	if (ret)
		goto err_free;
	ret = register_kretprobe(&cp_probe);
	if (ret)
		goto err_unregister;
	ret = misc_register(&gart_device);
	if (!ret)
		return 0;
	unregister_kretprobe(&cp_probe);
err_unregister:
	unregister_kprobes(gart_probe_list, ARRAY_SIZE(gart_probe_list));
err_free:
	vfree(gart);
	return ret;
}
module_init(gart_init);

static void __exit gart_exit(void)
{
	misc_deregister(&gart_device);
	unregister_kretprobe(&cp_probe);
	unregister_kprobes(gart_probe_list, ARRAY_SIZE(gart_probe_list));
	vfree(gart);
}
module_exit(gart_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A GPU for radeon on QEMU's ati-vga, for tests");
